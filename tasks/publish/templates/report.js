"use strict";

const hash = () => new URLSearchParams(location.hash.slice(1));

// Class pages: `#reason=CODE` shows the rows of one reason, which may begin on a later page of the class.
function showReason() {
  const reason = hash().get("reason") || "";
  const sections = [...document.querySelectorAll("[data-reason]")];
  const found = sections.some((section) => section.dataset.reason === reason);
  const elsewhere = document.querySelector(`[data-filter="${CSS.escape(reason)}"]`);
  if (reason && !found && elsewhere) location.replace(elsewhere.href);
  for (const section of sections) section.hidden = found && section.dataset.reason !== reason;
  for (const link of document.querySelectorAll("[data-filter]")) {
    link.toggleAttribute("aria-current", link.dataset.filter === (found ? reason : ""));
  }
}

// The index: rows of the table of classes are made from `classes.js`, a screenful at a time.
const STEP = 200;
const view = { sort: "rows", descending: true, limit: STEP };

function readClass([name, page, rows, readable, kept, largest, runnerUp, val, reasons]) {
  const drops = Object.entries(reasons).filter(([code]) => code !== "kept").sort((a, b) => b[1] - a[1]);
  const reason = drops.length ? drops[0] : ["", 0];
  return { name, page, rows, readable, kept, largest, runnerUp, val, reasons, reason, share: kept / rows };
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function stackedBar(entry) {
  const counts = {};
  for (const [code, count] of Object.entries(entry.reasons)) {
    const kind = REPORT.kindOf[code];
    counts[kind] = (counts[kind] || 0) + count;
  }
  const bar = element("span", { className: "stack" });
  for (const [kind, label] of Object.entries(REPORT.kinds)) {
    if (!counts[kind]) continue;
    const part = element("i", { className: `k-${kind}`, title: `${label}: ${counts[kind]}` });
    part.style.width = `${(100 * counts[kind]) / entry.rows}%`;
    bar.append(part);
  }
  return bar;
}

function classRow(entry, reason) {
  const number = (value) => element("td", { className: "n" }, value.toLocaleString("en"));
  const [code, count] = reason ? [reason, entry.reasons[reason]] : entry.reason;
  const link = element("a", { href: entry.page, title: entry.name }, element("bdi", {}, entry.name.slice(0, 80)));
  const why = code ? element("a", { href: `${entry.page}#reason=${code}` }, `${code} ${count.toLocaleString("en")}`) : "";
  return element("tr", {}, element("td", {}, link),
    ...["rows", "readable", "kept", "largest", "runnerUp", "val"].map((key) => number(entry[key])),
    element("td", {}, why), element("td", {}, stackedBar(entry)));
}

function compare(reason) {
  const key = { reason: (entry) => (reason ? entry.reasons[reason] : entry.reason[1]) }[view.sort] || ((entry) => entry[view.sort]);
  const sign = view.descending ? -1 : 1;
  return (a, b) => (key(a) < key(b) ? -sign : key(a) > key(b) ? sign : a.name < b.name ? -1 : 1);
}

function showClasses(entries) {
  const name = document.getElementById("name-filter").value.toLowerCase();
  const reason = document.getElementById("reason-filter").value;
  const found = entries.filter((entry) => entry.name.toLowerCase().includes(name) && (!reason || entry.reasons[reason]));
  found.sort(compare(reason));
  const table = document.getElementById("class-table");
  table.tBodies[0].replaceChildren(...found.slice(0, view.limit).map((entry) => classRow(entry, reason)));
  for (const button of table.querySelectorAll("[data-sort]")) {
    const direction = button.dataset.sort !== view.sort ? "none" : view.descending ? "descending" : "ascending";
    button.closest("th").setAttribute("aria-sort", direction);
  }
  document.getElementById("class-count").textContent = `${found.length.toLocaleString("en")} of ${entries.length.toLocaleString("en")} classes`;
  document.getElementById("more-classes").hidden = found.length <= view.limit;
}

function startIndex() {
  const entries = REPORT.classes.map(readClass);
  const name = document.getElementById("name-filter");
  const reason = document.getElementById("reason-filter");
  const refresh = () => { view.limit = STEP; showClasses(entries); };
  const readHash = () => {
    if (hash().has("reason")) reason.value = hash().get("reason");
    if (hash().has("name")) name.value = hash().get("name");
    refresh();
  };
  name.addEventListener("input", refresh);
  reason.addEventListener("change", refresh);
  document.getElementById("more-classes").addEventListener("click", () => { view.limit += STEP; showClasses(entries); });
  document.getElementById("class-table").tHead.addEventListener("click", (event) => {
    const sort = event.target.dataset.sort;
    if (!sort) return;
    view.descending = view.sort === sort ? !view.descending : sort !== "name";
    view.sort = sort;
    refresh();
  });
  addEventListener("hashchange", readHash);
  readHash();
}

if (document.getElementById("class-table")) startIndex();
else {
  addEventListener("hashchange", showReason);
  showReason();
}
