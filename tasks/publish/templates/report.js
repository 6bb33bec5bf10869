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
const view = { sort: "confidence", descending: false, limit: STEP };

function readClass([name, page, rows, readable, kept, largest, runnerUp, val, confidence, weakest, reasons, doubts]) {
  const drops = Object.entries(reasons).filter(([code]) => code !== "kept").sort((a, b) => b[1] - a[1]);
  const reason = drops.length ? drops[0] : ["", 0];
  return { name, page, rows, readable, kept, largest, runnerUp, val, confidence, weakest, reasons, doubts, reason, share: kept / rows };
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
  const number = (value) => element("td", { className: "n" }, value === null ? "–" : value.toLocaleString("en"));
  const [code, count] = reason ? [reason, entry.reasons[reason]] : entry.reason;
  const link = element("a", { href: entry.page, title: entry.name }, element("bdi", {}, entry.name.slice(0, 80)));
  const doubts = entry.doubts ? element("span", { className: "doubts" }, entry.doubts) : "";
  const why = code ? element("a", { href: `${entry.page}#reason=${code}` }, `${code} ${count.toLocaleString("en")}`) : "";
  return element("tr", {}, element("td", {}, link, doubts),
    ...["rows", "readable", "kept", "largest", "runnerUp", "val", "confidence", "weakest"].map((key) => number(entry[key])),
    element("td", {}, why), element("td", {}, stackedBar(entry)));
}

function compare(reason) {
  const unknown = view.descending ? -Infinity : Infinity; // what has no value comes last
  const key = {
    weakest: (entry) => entry.weakest ?? unknown,
    confidence: (entry) => entry.confidence ?? unknown,
    reason: (entry) => (reason ? entry.reasons[reason] : entry.reason[1]),
  }[view.sort] || ((entry) => entry[view.sort]);
  const sign = view.descending ? -1 : 1;
  return (a, b) => (key(a) < key(b) ? -sign : key(a) > key(b) ? sign : a.name < b.name ? -1 : 1);
}

function showClasses(entries) {
  const name = document.getElementById("name-filter").value.toLowerCase();
  const reason = document.getElementById("reason-filter").value;
  const doubtful = document.getElementById("doubt-filter").checked;
  const isFound = (entry) => entry.name.toLowerCase().includes(name) && (!reason || entry.reasons[reason]) && (!doubtful || entry.doubts);
  const found = entries.filter(isFound);
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
  const doubtful = document.getElementById("doubt-filter");
  const refresh = () => { view.limit = STEP; showClasses(entries); };
  const readHash = () => {
    if (hash().has("reason")) reason.value = hash().get("reason");
    if (hash().has("name")) name.value = hash().get("name");
    if (hash().has("look")) doubtful.checked = true;
    refresh();
  };
  name.addEventListener("input", refresh);
  reason.addEventListener("change", refresh);
  doubtful.addEventListener("change", refresh);
  document.getElementById("more-classes").addEventListener("click", () => { view.limit += STEP; showClasses(entries); });
  document.getElementById("class-table").tHead.addEventListener("click", (event) => {
    const sort = event.target.dataset.sort;
    if (!sort) return;
    view.descending = view.sort === sort ? !view.descending : !["name", "weakest", "confidence"].includes(sort);
    view.sort = sort;
    refresh();
  });
  addEventListener("hashchange", readHash);
  readHash();
}

// Class pages: kept images come with the most supporting pairs first, or the other way round.
function orderKept(button) {
  const weakest = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", weakest);
  const gallery = document.querySelector(".gallery");
  gallery.append(...[...gallery.children].reverse());
}

function startOrdering() {
  const button = document.getElementById("weakest-first");
  button.addEventListener("click", () => {
    if (button.dataset.last && hash().get("order") !== "weakest") location.href = `${button.dataset.last}#order=weakest`;
    else orderKept(button);
  });
  if (hash().get("order") === "weakest") orderKept(button);
}

function startTheme() {
  const button = element("button", { type: "button", className: "theme" });
  const isDark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const label = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    remember(THEME, document.documentElement.dataset.theme);
    label();
  });
  label();
  document.querySelector(".top").append(button);
}

startTheme();
if (document.getElementById("weakest-first")) startOrdering();
if (document.getElementById("class-table")) startIndex();
else {
  addEventListener("hashchange", showReason);
  showReason();
}
