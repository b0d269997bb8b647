"use strict";
/* The optical train: glyphs with the beam, one panel for each ray, the map of verdicts, all on one axis of elements. */
function opticalTrain(data, onPick) {
  const N = data.elements.length;
  const plot = document.getElementById("plot"), map = document.getElementById("map");
  const byRay = {};
  for (const f of data.facts) if (f.e !== null) (byRay[f.q] ??= [])[f.e] = f;
  const offered = Object.keys(byRay);
  const drawn = new Set(data.rays.filter((q) => byRay[q]));
  if (!drawn.size && offered.length) drawn.add(offered[0]);
  let span = [-0.7, N - 0.3], selected = null, drawnCrowd;

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const alpha = (hex, a) => hex + Math.round(a * 255).toString(16).padStart(2, "0");
  const escape = (s) => s.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const value = (v) => (typeof v === "number" ? v : null);
  const tail = (s, n) => (s.length > n ? "…" + s.slice(1 - n) : s);
  const panels = () => offered.filter((q) => drawn.has(q));
  const axis = (k) => `y${k + 2}`;

  /* ---- geometry ------------------------------------------------------------------------------------ */
  const STRIP = 96, PANEL = 132, GAP = 30, TOP = 30, BOTTOM = 160;
  const height = () => TOP + STRIP + panels().length * (PANEL + GAP) + BOTTOM;
  const domain = (k) => { // of panel k, -1 for the strip of glyphs; in fractions of the plotting height
    const total = STRIP + panels().length * (PANEL + GAP);
    const top = k < 0 ? 0 : STRIP + GAP + k * (PANEL + GAP);
    return [1 - (top + (k < 0 ? STRIP : PANEL)) / total, 1 - top / total];
  };
  const visible = (e) => e >= span[0] && e <= span[1];

  function range(q) { // of the values in view; bands count up to a hundredfold, so that one wide error hides nothing
    const { log } = data.quantities[q];
    let low = Infinity, high = -Infinity;
    const see = (v) => { if (v !== null && (!log || v > 0)) { low = Math.min(low, v); high = Math.max(high, v); } };
    byRay[q].forEach((f) => {
      if (!visible(f.e)) return;
      for (const [v, a, b] of [[f.p, f.pLow, f.pHigh], [f.m, f.mLow, f.mHigh], [f.cp, f.cp, f.cp], [f.cm, f.cmLow, f.cmHigh]]) {
        const centre = value(v);
        if (centre === null) continue;
        see(centre);
        see(log ? Math.max(value(a) ?? centre, centre / 100) : value(a));
        see(log ? Math.min(value(b) ?? centre, centre * 100) : value(b));
      }
    });
    if (low > high) return [-1, 1];
    if (log) [low, high] = [Math.log10(low), Math.log10(high)];
    const least = log ? 0.8 : 0.02, middle = (low + high) / 2;
    if (high - low < least) [low, high] = [middle - least / 2, middle + least / 2];
    const pad = 0.07 * (high - low);
    return [low - pad, high + pad];
  }

  const scale = (q) => {
    const [low, high] = range(q);
    return { range: [low, high], ...(data.quantities[q].log ? powers(low, high) : { nticks: 6 }) };
  };
  const crowd = () => [60, 180, 320].filter((n) => span[1] - span[0] > n).length; // how small the marks must be

  function ticks() { // as many names as there is room for, at round steps
    const room = Math.max((plot.clientWidth - 120) / (crowd() > 1 ? 26 : 19), 4), shown = span[1] - span[0];
    const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((s) => shown / s <= room) ?? 2000;
    const tickvals = [];
    for (let e = 0; e < N; e += step) if (visible(e)) tickvals.push(e);
    return { tickvals, ticktext: tickvals.map((e) => escape(`${tail(data.elements[e].name, 19)} ${e + 1}`)) };
  }

  function powers(low, high) { // ticks of a logarithmic axis between the exponents low and high
    const decades = high - low, tickvals = [];
    const step = Math.max(1, Math.ceil(decades / 5)), heads = decades > 2.2 ? [1] : decades > 1 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 7];
    for (let n = Math.ceil((low - 1) / step) * step; n <= high; n += step)
      for (const head of heads) {
        const at = n + Math.log10(head);
        if (at >= low && at <= high) tickvals.push(Number((head * 10 ** n).toPrecision(3)));
      }
    const label = (v) => (v >= 0.001 && v < 10000 ? String(v) : v.toExponential().replace(/^1e/, "10<sup>").replace(/e/, "·10<sup>").replace("+", "").replace("-", "−") + "</sup>");
    return { tickmode: "array", tickvals, ticktext: tickvals.map(label) };
  }

  function stretches(q, condition) { // [first, last] of each run of neighbouring elements
    const runs = [];
    byRay[q].forEach((f) => {
      if (!condition(f)) return;
      const last = runs[runs.length - 1];
      if (last && last[1] === f.e - 1) last[1] = f.e; else runs.push([f.e, f.e]);
    });
    return runs;
  }

  /* ---- traces -------------------------------------------------------------------------------------- */
  function beam(key, colour, fill) { // its half-width follows log q: a collapsing signal narrows to a thread
    const facts = byRay.second_moment;
    if (!facts) return [];
    const log = (f, k) => (value(f?.[k]) > 0 ? Math.log10(f[k]) : null);
    const all = facts.flatMap((f) => [log(f, "p"), log(f, "m")]).filter((v) => v !== null);
    const high = Math.max(...all), low = Math.min(...all, high - 2);
    const x = [], half = [];
    for (let e = 0; e < N; e++) {
      const v = log(facts[e], key);
      if (v !== null) { x.push(e); half.push(0.06 + 0.8 * (v - low) / (high - low)); }
    }
    if (!x.length) return [];
    return [{
      x: [-0.7, ...x, N - 0.3, N - 0.3, ...[...x].reverse(), -0.7],
      y: [half[0], ...half, half.at(-1), -half.at(-1), ...[...half].reverse().map((v) => -v), -half[0]],
      mode: "lines", line: { color: colour, width: 1.2 }, fill: fill ? "toself" : "none", fillcolor: fill,
      hoverinfo: "skip", yaxis: "y",
    }];
  }

  function glyphs() {
    const x = [], y = [];
    data.elements.forEach(({ family }, e) => {
      for (const polygon of GLYPHS[family]) {
        for (const [dx, dy] of polygon) { x.push(e + 0.42 * dx); y.push(dy); }
        x.push(null); y.push(null);
      }
    });
    const glass = css("glass");
    return [
      { x, y, mode: "lines", line: { color: crowd() > 1 ? alpha(glass, 0.45) : glass, width: crowd() > 1 ? 0.6 : 1.1 }, fill: "toself",
        fillcolor: alpha(glass, crowd() > 1 ? 0.2 : 0.3),
        hoverinfo: "skip", yaxis: "y" },
      { x: data.elements.map((_, e) => e), y: data.elements.map(() => 0), mode: "markers", yaxis: "y", name: "",
        marker: { color: "rgba(0,0,0,0)", size: 1 }, hovertemplate: "<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>",
        customdata: data.elements.map((el, e) => [escape(`${e + 1}  ${el.name}`), escape(el.details)]) },
    ];
  }

  function panel(q, k) {
    const facts = byRay[q].filter(() => true), { log, symbol } = data.quantities[q];
    const ok = (v) => (value(v) !== null && (!log || v > 0) ? v : null);
    const inside = (f) => ok(f.p) !== null && f.v !== "outside";
    const size = [6.5, 4.8, 4, 3.2][crowd()];
    const [blue, orange, green] = [css("predicted"), css("measured"), css("corrected")];
    const common = { yaxis: axis(k), name: symbol };
    const traces = [];
    const band = { x: [], y: [] };
    for (const [a, b] of stretches(q, inside)) {
      const run = byRay[q].slice(a, b + 1), wide = a === b ? 0.3 : 0;
      const xs = wide ? [a - wide, a + wide] : run.map((f) => f.e), fs = wide ? [run[0], run[0]] : run;
      band.x.push(...xs, ...[...xs].reverse(), xs[0], null);
      band.y.push(...fs.map((f) => ok(f.pHigh)), ...[...fs].reverse().map((f) => ok(f.pLow) ?? f.p / 1e6), ok(fs[0].pHigh), null);
    }
    traces.push({ ...common, ...band, mode: "lines", line: { width: 0 }, fill: "toself", fillcolor: alpha(blue, 0.22), hoverinfo: "skip" });
    const line = (key) => { const y = Array(N).fill(null); facts.forEach((f) => (y[f.e] = ok(f[key]))); return y; };
    const every = data.elements.map((_, e) => e);
    const text = (f, key) => escape(f?.[key + "Text"] ?? "");
    traces.push({ ...common, x: every, y: line("p"), mode: crowd() ? "lines" : "lines+markers", line: { color: blue, width: 1.5 },
      marker: { size: 3.5, color: blue }, customdata: every.map((e) => text(byRay[q][e], "p")),
      hovertemplate: `${symbol} predicted %{customdata}<extra></extra>` });
    const measured = facts.filter((f) => ok(f.m) !== null);
    traces.push({ ...common, x: measured.map((f) => f.e), y: measured.map((f) => f.m), mode: "markers",
      marker: { size, color: orange },
      error_y: { type: "data", symmetric: false, array: measured.map((f) => f.mHigh - f.m), arrayminus: measured.map((f) => f.m - (ok(f.mLow) ?? f.m)),
        color: orange, thickness: 1.2, width: 0 },
      customdata: measured.map((f) => [text(f, "m"), f.zText ? `z ${f.zText}, ` : "", data.verdicts[f.v] + (f.why ? `: ${escape(f.why)}` : "")]),
      hovertemplate: `${symbol} measured %{customdata[0]}<br>    %{customdata[1]}%{customdata[2]}<extra></extra>` });
    const off = measured.filter((f) => f.v === "deviates");
    traces.push({ ...common, x: off.map((f) => f.e), y: off.map((f) => f.m), mode: "markers", hoverinfo: "skip",
      marker: { size: size + (crowd() > 1 ? 2.5 : 4), symbol: "circle-open", color: css("deviates"), line: { width: crowd() > 1 ? 0.8 : 1.8 } } });
    const after = facts.filter((f) => ok(f.cm) !== null);
    if (after.length) {
      traces.push({ ...common, x: after.map((f) => f.e), y: after.map((f) => ok(f.cp)), mode: "lines", hoverinfo: "skip",
        line: { color: green, width: 1.5, dash: "dash" } });
      traces.push({ ...common, x: after.map((f) => f.e), y: after.map((f) => f.cm), mode: "markers",
        marker: { size, color: green, symbol: "diamond" }, customdata: after.map((f) => [text(f, "cm"), text(f, "cp"), f.czText]),
        error_y: { type: "data", symmetric: false, array: after.map((f) => f.cmHigh - f.cm), arrayminus: after.map((f) => f.cm - (ok(f.cmLow) ?? f.cm)), color: green, thickness: 1.2, width: 0 },
        hovertemplate: `${symbol} after correction %{customdata[0]}<br>    predicted %{customdata[1]}, z %{customdata[2]}<extra></extra>` });
    }
    return traces;
  }

  /* ---- layout -------------------------------------------------------------------------------------- */
  function shapes() {
    const out = [];
    const rect = (a, b, yref, fillcolor, y0 = 0, y1 = 1) =>
      out.push({ type: "rect", x0: a - 0.5, x1: b + 0.5, y0, y1, yref, fillcolor, line: { width: 0 }, layer: "below" });
    if (selected !== null) rect(selected, selected, "paper", alpha(css("select"), 0.4));
    panels().forEach((q, k) => {
      const yref = `${axis(k)} domain`, { log } = data.quantities[q];
      stretches(q, (f) => f.v === "outside").forEach(([a, b]) => rect(a, b, yref, css("shade")));
      stretches(q, (f) => f.v === "unconverged").forEach(([a, b]) => rect(a, b, yref, alpha(css("unconverged"), 0.22)));
      if (log) stretches(q, (f) => f.m !== undefined && value(f.m) !== null && f.m <= 0)
        .forEach(([a, b]) => rect(a, b, yref, css("measured"), 0, 0.035));
    });
    for (const [e] of marks()) out.push({ type: "line", x0: e, x1: e, y0: 0, y1: 1, yref: "paper", layer: "below",
      line: { color: css("finding"), width: 1.4, dash: "dot" } });
    return out;
  }

  function marks() { // the findings at each element
    const at = new Map();
    data.findings.forEach(({ e }, i) => { if (e !== null) at.set(e, [...(at.get(e) ?? []), i + 1]); });
    return at;
  }

  function annotations() {
    const out = [...marks()].map(([e, numbers]) => ({
      x: e, y: 1, yref: "paper", yanchor: "bottom", text: `<b>${numbers.join(" ")}</b>`, showarrow: false, captureevents: true,
      font: { color: css("paper"), size: 12 }, bgcolor: css("finding"), borderpad: 3, name: String(e),
      hovertext: escape(numbers.map((n) => `finding ${n}: ${data.findings[n - 1].title}`).join(", ")),
    }));
    panels().forEach((q, k) => {
      const { title, symbol, definition } = data.quantities[q];
      out.push({ x: 0, xref: "paper", xanchor: "left", y: domain(k)[1], yref: "paper", yanchor: "bottom", showarrow: false,
        text: `<b>${title} ${symbol}</b>  <span style="color:${css("soft")};font-size:11px">${escape(definition)}</span>`,
        font: { size: 12, color: css("ink") } });
    });
    out.push({ x: 0.5, xref: "paper", y: 0, yref: "paper", yshift: -BOTTOM, yanchor: "bottom", showarrow: false,
      text: "element, in the order of the forward pass", font: { size: 12, color: css("ink") } });
    return out;
  }

  function layout() {
    const grid = css("line"), soft = css("soft");
    const made = {
      height: height(), margin: { l: 72, r: 16, t: TOP, b: BOTTOM }, showlegend: false, hovermode: "x unified", hoversubplots: "axis",
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", dragmode: "zoom",
      font: { family: "system-ui, 'DejaVu Sans', sans-serif", size: 11, color: soft },
      hoverlabel: { bgcolor: css("paper"), bordercolor: css("faint"), font: { color: css("ink"), size: 12 }, align: "left", namelength: 0 },
      shapes: shapes(), annotations: annotations(),
      xaxis: { range: [...span], anchor: panels().length ? axis(panels().length - 1) : "y", showgrid: false, zeroline: false, tickmode: "array", ...ticks(),
        tickangle: -55, tickfont: { family: "ui-monospace, 'DejaVu Sans Mono', monospace", size: 10 }, ticks: "outside", tickcolor: grid,
        unifiedhovertitle: { text: " " },
        showspikes: true, spikemode: "across", spikethickness: 1, spikecolor: css("faint"), spikedash: "solid", spikesnap: "data" },
      yaxis: { domain: domain(-1), range: [-1.15, 1.15], fixedrange: true, visible: false },
    };
    panels().forEach((q, k) => {
      const { symbol, unit, log } = data.quantities[q];
      made[`yaxis${k + 2}`] = { domain: domain(k), type: log ? "log" : "linear", ...scale(q), fixedrange: true, gridcolor: grid, zeroline: false, title: { text: unit === "1" ? symbol : `${symbol}  [${unit}]`, font: { size: 11 } }, linecolor: grid, showline: true };
    });
    return made;
  }

  /* ---- the map of verdicts ------------------------------------------------------------------------- */
  const ROW = 12;
  function drawMap() {
    const rows = panels(), scale = window.devicePixelRatio || 1, left = 72, right = 16;
    const width = plot.clientWidth, inner = width - left - right, tall = Math.max(rows.length * ROW, ROW) + 8;
    map.width = width * scale; map.height = tall * scale; map.style.height = `${tall}px`;
    const pen = map.getContext("2d");
    pen.scale(scale, scale);
    const x = (e) => left + (inner * (e + 0.5)) / N;
    rows.forEach((q, k) => {
      pen.fillStyle = css("soft"); pen.font = "10px system-ui"; pen.textAlign = "right"; pen.textBaseline = "middle";
      pen.globalAlpha = 1;
      pen.fillText(data.quantities[q].symbol, left - 8, 4 + k * ROW + ROW / 2);
      byRay[q].forEach((f) => {
        pen.fillStyle = css(f.v); pen.globalAlpha = f.v === "agrees" ? 0.55 : 1;
        pen.fillRect(x(f.e - 0.5), 4 + k * ROW, Math.max(inner / N - (N < 200 ? 1 : 0), 0.7), ROW - 1.5);
      });
    });
    pen.globalAlpha = 1;
    pen.fillStyle = css("finding");
    for (const [e] of marks()) pen.fillRect(x(e) - 1, 0, 2, tall);
    const [a, b] = [Math.max(x(span[0]), left), Math.min(x(span[1]), width - right)];
    pen.strokeStyle = css("ink"); pen.lineWidth = 1.5; pen.strokeRect(a, 0.75, b - a, tall - 1.5);
    pen.fillStyle = css("paper"); pen.globalAlpha = 0.55;
    pen.fillRect(left, 0, a - left, tall); pen.fillRect(b, 0, width - right - b, tall);
    pen.globalAlpha = 1;
  }
  let grabbed = null;
  const under = (event) => ((event.offsetX - 72) / (plot.clientWidth - 88)) * N - 0.5;
  map.addEventListener("pointerdown", (event) => {
    map.setPointerCapture(event.pointerId);
    const width = Math.min(span[1] - span[0], Math.max(N / 5, 12)), e = under(event);
    if (!visible(e) || span[1] - span[0] >= N - 1) show(e - width / 2, e + width / 2);
    grabbed = under(event) - span[0];
  });
  map.addEventListener("pointermove", (event) => {
    if (grabbed === null) return;
    const width = span[1] - span[0], start = under(event) - grabbed;
    show(start, start + width);
  });
  map.addEventListener("pointerup", () => (grabbed = null));
  map.addEventListener("dblclick", () => show(-0.7, N - 0.3));

  /* ---- acting -------------------------------------------------------------------------------------- */
  function show(a, b) { // moves the window, kept within the train
    const width = Math.min(b - a, N + 0.4);
    const start = Math.min(Math.max(a, -0.7), N - 0.3 - width);
    span = [start, start + width];
    update();
  }
  function update() {
    plot.dataset.span = span.map((v) => v.toFixed(1)).join(" ");
    if (crowd() !== drawnCrowd) return draw();
    const change = { "xaxis.range": [...span], shapes: shapes() };
    Object.assign(change, Object.fromEntries(Object.entries(ticks()).map(([k, v]) => [`xaxis.${k}`, v])));
    panels().forEach((q, k) => { for (const [name, v] of Object.entries(scale(q))) change[`yaxis${k + 2}.${name}`] = v; });
    drawMap();
    return Plotly.relayout(plot, change);
  }
  function draw() {
    const traces = [...beam("m", css("measured"), alpha(css("measured"), 0.2)), ...beam("p", css("predicted"), ""), ...glyphs(),
      ...panels().flatMap(panel)];
    plot.dataset.span = span.map((v) => v.toFixed(1)).join(" ");
    drawnCrowd = crowd();
    drawMap();
    return Plotly.react(plot, traces, layout(), { responsive: true, displayModeBar: false, scrollZoom: false, doubleClick: false });
  }
  function select(e, zoom) {
    selected = e;
    plot.dataset.selected = e ?? "";
    const reach = Math.min(Math.max(N / 12, 14), N / 2);
    if (zoom && e !== null && N > 40) show(e - reach, e + reach); else update();
  }

  const chips = document.getElementById("panels");
  for (const q of offered) {
    const { title, symbol, definition } = data.quantities[q];
    const button = document.createElement("button");
    button.type = "button"; button.textContent = `${title} ${symbol}`; button.title = definition;
    button.setAttribute("aria-pressed", drawn.has(q));
    button.addEventListener("click", () => {
      if (!drawn.delete(q)) drawn.add(q);
      button.setAttribute("aria-pressed", drawn.has(q));
      draw();
    });
    chips.append(button);
  }
  document.getElementById("whole").addEventListener("click", () => show(-0.7, N - 0.3));
  document.getElementById("picture").addEventListener("click", () =>
    Plotly.downloadImage(plot, { format: "svg", width: plot.clientWidth, height: height(), filename: "optical-train" }));
  const key = document.getElementById("families");
  for (const family of new Set(data.elements.map((e) => e.family))) {
    const path = GLYPHS[family].map((p) => "M" + p.map(([x, y]) => `${x} ${-y}`).join("L") + "Z").join("");
    const label = document.createElement("span");
    label.innerHTML = `<svg viewBox="-1.1 -1.1 2.2 2.2" width="16" height="16" aria-hidden="true"><path d="${path}"/></svg>`;
    label.append(family === "linear" ? "linear map" : family === "joining" ? "concatenation" : family);
    key.append(label);
  }

  const ready = draw().then(() => {
    plot.on("plotly_relayout", (change) => { // the reader's own zoom
      if ("xaxis.range[0]" in change) show(change["xaxis.range[0]"], change["xaxis.range[1]"]);
    });
    plot.on("plotly_doubleclick", () => show(-0.7, N - 0.3));
    plot.on("plotly_click", ({ points }) => onPick(Math.round(points[0].x)));
    plot.on("plotly_clickannotation", ({ annotation }) => annotation.name && onPick(Number(annotation.name)));
    window.addEventListener("resize", update);
    plot.dataset.drawn = "yes";
  });
  return { select, draw, ready };
}
