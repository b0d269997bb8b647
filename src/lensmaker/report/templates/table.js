"use strict";
/* The table of comparisons: one row for each quantity at each element, sorted and filtered in place. */
function comparisonTable(data, onPick) {
  const table = document.getElementById("table"), body = table.tBodies[0], all = document.getElementById("all");
  const MOST = 400;
  const number = (v) => (v === null || v === undefined ? NaN : Number(v));
  const after = data.facts.some((f) => f.cm !== undefined);
  const columns = [
    { label: "#", css: "number", sort: (f) => (f.e === null ? NaN : f.e), text: (f) => (f.e === null ? "—" : f.e + 1) },
    { label: "element", css: "name", sort: (f) => f.name, text: (f) => f.name },
    { label: "operation", css: "", sort: (f) => f.operation, text: (f) => f.operation },
    { label: "quantity", css: "nowrap", sort: (f) => f.q, link: (f) => [`#quantity-${f.q}`, `${data.quantities[f.q].title} ${data.quantities[f.q].symbol}`, data.quantities[f.q].definition] },
    { label: "predicted", css: "number predicted", sort: (f) => number(f.p), text: (f) => f.pText ?? "—", title: (f) => f.theory && `theory ${f.theory}` },
    { label: "measured", css: "number measured", sort: (f) => number(f.m), text: (f) => f.mText ?? "—", title: (f) => f.instrument && `instrument ${f.instrument}, ${f.samples} samples` },
    { label: "ratio", css: "number", hint: "measured over predicted", sort: (f) => number(f.r), text: (f) => f.rText ?? "" },
    { label: "z", css: "number z", hint: "deviation in errors; sorts by its size", sort: (f) => Math.abs(number(f.z)), text: (f) => f.zText ?? "", verdict: (f) => f.v },
    { label: "verdict", css: "verdict", sort: (f) => data.verdicts[f.v], text: (f) => data.verdicts[f.v], verdict: (f) => f.v },
    ...(after ? [
      { label: "after: predicted", css: "number corrected", sort: (f) => number(f.cp), text: (f) => f.cpText ?? "" },
      { label: "after: measured", css: "number corrected", sort: (f) => number(f.cm), text: (f) => f.cmText ?? "" },
      { label: "after: z", css: "number z", sort: (f) => Math.abs(number(f.cz)), text: (f) => f.czText ?? "", verdict: (f) => f.cv },
    ] : []),
    { label: "why not compared", css: "why", sort: (f) => f.why, text: (f) => f.why },
    { label: "by", css: "nowrap", sort: (f) => `${f.theory ?? ""} ${f.instrument ?? ""}`, links: (f) => [f.theory, f.instrument].filter(Boolean) },
  ];
  const state = { column: 0, down: false, words: "", quantities: new Set(data.rays), verdicts: new Set(Object.keys(data.verdicts)), selected: null, whole: false };
  const names = Object.keys(data.quantities);
  if (!state.quantities.size) names.forEach((q) => state.quantities.add(q));

  function compare(a, b) { // what has no number goes last, whichever way the column is sorted
    const { sort } = columns[state.column], [x, y] = [sort(a), sort(b)];
    const [absentX, absentY] = [Number.isNaN(x), Number.isNaN(y)];
    if (absentX || absentY) return absentX - absentY;
    const order = typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x < y ? -1 : x > y ? 1 : 0;
    return state.down ? -order : order;
  }
  function rows() {
    const words = state.words.toLowerCase();
    return data.facts.filter((f) => state.quantities.has(f.q) && state.verdicts.has(f.v) &&
      (!words || f.name.toLowerCase().includes(words) || f.operation.toLowerCase().includes(words))).sort(compare);
  }
  function anchor(href, text, title) {
    const a = document.createElement("a");
    a.href = href; a.textContent = text; a.title = title ?? "";
    a.addEventListener("click", (event) => event.stopPropagation());
    return a;
  }
  function row(f) {
    const tr = document.createElement("tr");
    if (f.e !== null) tr.dataset.element = f.e;
    tr.dataset.quantity = f.q;
    for (const column of columns) {
      const td = tr.insertCell();
      td.className = column.css + (column.verdict ? ` ${column.verdict(f) ?? ""}` : "");
      if (column.link) td.append(anchor(...column.link(f)));
      else if (column.links) column.links(f).forEach((name, i) => td.append(i ? " · " : "", anchor(`#source-${name}`, name, "its sources")));
      else td.textContent = column.text(f);
      if (column.title) td.title = column.title(f) ?? "";
    }
    if (f.e !== null) tr.addEventListener("click", () => onPick(f.e));
    return tr;
  }
  function mark() {
    for (const tr of body.rows) tr.classList.toggle("selected", tr.dataset.element === String(state.selected));
  }
  function draw() {
    const found = rows(), shown = state.whole ? found : found.slice(0, MOST);
    const wanted = found.filter((f) => f.e !== null && f.e === state.selected);
    if (!state.whole && wanted.some((f) => !shown.includes(f))) { state.whole = true; return draw(); }
    body.replaceChildren(...shown.map(row));
    mark();
    all.hidden = shown.length === found.length;
    all.textContent = `Show all ${found.length} rows`;
    document.getElementById("count").textContent = `${found.length} of ${data.facts.length} rows`;
    [...table.tHead.rows[0].cells].forEach((th, i) =>
      th.setAttribute("aria-sort", i !== state.column ? "none" : state.down ? "descending" : "ascending"));
  }
  function chip(place, text, set, key, css, title) {
    const button = document.createElement("button");
    button.type = "button"; button.textContent = text; button.title = title; button.className = css;
    button.dataset.key = key;
    button.setAttribute("aria-pressed", set.has(key));
    button.addEventListener("click", () => {
      if (!set.delete(key)) set.add(key);
      button.setAttribute("aria-pressed", set.has(key));
      draw();
    });
    document.getElementById(place).append(button);
  }

  const head = table.tHead.insertRow();
  columns.forEach((column, i) => {
    const th = document.createElement("th"), button = document.createElement("button");
    th.className = column.css.replace("name", ""); th.scope = "col";
    button.type = "button"; button.textContent = column.label; button.title = column.hint ?? `sort by ${column.label}`;
    button.addEventListener("click", () => {
      if (state.column === i) state.down = !state.down;
      else [state.column, state.down] = [i, column.label === "z" || column.label === "after: z"];
      draw();
    });
    th.append(button); head.append(th);
  });
  for (const q of names) chip("quantities", data.quantities[q].symbol, state.quantities, q, "", `${data.quantities[q].title}: ${data.quantities[q].definition}`);
  const tally = {};
  for (const f of data.facts) tally[f.v] = (tally[f.v] ?? 0) + 1;
  for (const [v, words] of Object.entries(data.verdicts)) if (tally[v]) chip("verdicts", `${words} ${tally[v]}`, state.verdicts, v, `verdict ${v}`, "show or hide these rows");
  document.getElementById("search").addEventListener("input", (event) => { state.words = event.target.value; draw(); });
  all.addEventListener("click", () => { state.whole = true; draw(); });
  draw();

  function select(e, q, stay) { // marks the element's rows and scrolls to the first, or to that of quantity q
    state.selected = e;
    if (stay) return mark();
    const hidden = e !== null && !rows().some((f) => f.e === e);
    if (hidden) { // a filter hides it
      state.words = document.getElementById("search").value = "";
      for (const place of ["quantities", "verdicts"]) for (const button of document.getElementById(place).children) {
        state[place].add(button.dataset.key); button.setAttribute("aria-pressed", "true");
      }
    }
    if (body.querySelector(`tr[data-element="${e}"]`)) mark(); else draw();
    const tr = (q && body.querySelector(`tr.selected[data-quantity="${CSS.escape(q)}"]`)) ?? body.querySelector("tr.selected");
    if (!tr) return;
    const box = document.getElementById("scroll");
    box.scrollTop = tr.offsetTop - box.clientHeight / 3;
  }
  return { select };
}
