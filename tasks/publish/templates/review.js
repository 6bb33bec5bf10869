"use strict";

// What a person decides, image by image: kept in the browser until it is downloaded as overrides.toml.
const SECTIONS = ["pin", "merge", "keep", "drop"];
const DECISIONS = `cairn-decisions-${DECIDED.digest}`;
const LABELS = { keep: "keep", drop: "drop", pin: "pin its group" };
const KEYS = { a: "keep", r: "drop", p: "pin" };
let decisions = JSON.parse(recall(DECISIONS) || "null") || structuredClone(DECIDED.sections);

function isDecided(section, item) {
  const { id, of } = item.dataset;
  return section === "pin" ? decisions.pin[of] === id : Object.hasOwn(decisions[section], id);
}

function decide(section, item) {
  const { id, of } = item.dataset;
  const undone = isDecided(section, item);
  const why = `in the report of version ${DECIDED.number}`;
  if (section === "pin") {
    delete decisions.pin[of];
    if (!undone) Object.assign(decisions.pin, { [of]: id });
  } else {
    delete decisions.keep[id];
    delete decisions.drop[id];
    if (!undone) decisions[section][id] = why;
  }
  if (decisions.pin[of] === id && Object.hasOwn(decisions.drop, id)) delete decisions.pin[of];
  save();
}

function merge(here, there) {
  const undone = decisions.merge[here] === there;
  delete decisions.merge[here];
  if (!undone) decisions.merge[here] = there;
  save();
}

function save() {
  remember(DECISIONS, JSON.stringify(decisions));
  showDecisions();
}

function countChanges() {
  const changed = (section) => {
    const [before, now] = [DECIDED.sections[section], decisions[section]];
    const names = new Set([...Object.keys(before), ...Object.keys(now)]);
    return [...names].filter((name) => before[name] !== now[name]).length;
  };
  return SECTIONS.reduce((sum, section) => sum + changed(section), 0);
}

// A basic string of TOML is one of JSON, but for the letter DEL.
const quoted = (text) => JSON.stringify(text).replaceAll("\u007f", "\\u007f");

function toml() {
  const lines = [`# Decided on ${DECIDED.name}, version ${DECIDED.number}: cairn curate LIST --name ${DECIDED.name} --overrides overrides.toml`];
  for (const section of SECTIONS) {
    const entries = Object.entries(decisions[section]).sort(([a], [b]) => (a < b ? -1 : 1));
    if (entries.length) lines.push("", `[${section}]`, ...entries.map(([name, value]) => `${quoted(name)} = ${quoted(value)}`));
  }
  return `${lines.join("\n")}\n`;
}

function download() {
  const address = URL.createObjectURL(new Blob([toml()], { type: "application/toml" }));
  element("a", { href: address, download: "overrides.toml" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

function addButtons(item) {
  const buttons = item.dataset.can.split(" ").filter(Boolean).map((section) => {
    const button = element("button", { type: "button" }, LABELS[section]);
    button.dataset.section = section;
    button.addEventListener("click", () => decide(section, item));
    return button;
  });
  if (buttons.length) (item.querySelector("figcaption") || item).append(element("span", { className: "decide" }, ...buttons));
}

function showDecisions() {
  for (const item of document.querySelectorAll("[data-can]")) {
    for (const button of item.querySelectorAll("[data-section]")) {
      button.setAttribute("aria-pressed", isDecided(button.dataset.section, item));
    }
    item.classList.toggle("to-keep", isDecided("keep", item) || isDecided("pin", item));
    item.classList.toggle("to-drop", isDecided("drop", item));
  }
  for (const button of document.querySelectorAll("[data-merge]")) {
    button.setAttribute("aria-pressed", decisions.merge[button.dataset.merge] === button.dataset.into);
  }
  const count = countChanges();
  const bar = document.getElementById("review");
  bar.querySelector("output").textContent = count === 1 ? "1 decision" : `${count} decisions`;
  for (const button of bar.querySelectorAll("button")) button.disabled = !count;
}

function move(step) {
  const items = [...document.querySelectorAll("[data-can]")].filter((item) => item.offsetParent);
  const next = items[items.indexOf(document.activeElement.closest("[data-can]")) + step] || items[0];
  if (next) next.focus();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
  const item = document.activeElement.closest("[data-can]");
  if (event.key === "n" || event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (item && event.key === "e") enlarge(item);
  else if (item && KEYS[event.key] && item.dataset.can.split(" ").includes(KEYS[event.key])) decide(KEYS[event.key], item);
  else return;
  event.preventDefault();
}

function startReview() {
  const bar = element("aside", { id: "review" }, element("output"));
  bar.setAttribute("aria-label", "Decisions");
  const buttons = { "Download overrides.toml": download, Discard: () => { decisions = structuredClone(DECIDED.sections); save(); } };
  for (const [label, act] of Object.entries(buttons)) {
    const button = element("button", { type: "button" }, label);
    button.addEventListener("click", act);
    bar.append(button);
  }
  const items = document.querySelectorAll("[data-can]");
  if (items.length) bar.append(element("span", { className: "keys" }, "keys: n next, k back, a keep, r drop, p pin, e enlarge"));
  document.body.append(bar);
  items.forEach(addButtons);
  for (const button of document.querySelectorAll("[data-merge]")) {
    button.addEventListener("click", () => merge(button.dataset.merge, button.dataset.into));
  }
  addEventListener("keydown", onKey);
  showDecisions();
}

startReview();
