"use strict";
/* Puts the page together: what is picked in one place is shown in the others. */
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)");
  root.dataset.theme = dark.matches ? "dark" : "light";
  const findings = [...document.querySelectorAll(".finding[data-element]")];
  const train = opticalTrain(data, (e) => pick(e, {}));
  const table = comparisonTable(data, (e) => pick(e, { fromTable: true }));

  function pick(e, { fromTable, zoom, quantity }) {
    train.select(e, zoom || fromTable);
    table.select(e, quantity, fromTable);
    for (const li of findings) li.classList.toggle("selected", Number(li.dataset.element) === e);
  }
  for (const li of findings) li.addEventListener("click", () => {
    if (getSelection().toString()) return; // the reader is copying text
    pick(Number(li.dataset.element), { zoom: true, quantity: li.dataset.quantity });
    document.getElementById("train").scrollIntoView({ block: "start" });
  });

  for (const tr of document.querySelectorAll("#built tr[data-element]")) tr.addEventListener("click", () => {
    if (getSelection().toString()) return;
    pick(Number(tr.dataset.element), { zoom: true, quantity: "effective_rank" });
  });

  for (const cell of document.querySelectorAll("#geometry .layer")) cell.addEventListener("click", () => {
    const e = data.geometry[Number(cell.dataset.layer) - 1];
    if (e === null) return;
    pick(e, { zoom: true });
    document.getElementById("train").scrollIntoView({ block: "start" });
  });

  const setTheme = (name) => { root.dataset.theme = name; train.draw(); };
  document.getElementById("theme").addEventListener("click", () => setTheme(root.dataset.theme === "dark" ? "light" : "dark"));
  dark.addEventListener("change", () => setTheme(dark.matches ? "dark" : "light"));
})();
