"use strict";

// Finding an image by its id or its address: `lookup/index.js` has the first key of each script of sorted keys.
const SHOWN = 50;
const loaded = new Map();

function lookupKeys(name, pages, entries) {
  loaded.get(name).resolve({ pages, entries });
}

function loadKeys(name) {
  if (!loaded.has(name)) {
    const waiting = {};
    waiting.promise = new Promise((resolve) => { waiting.resolve = resolve; });
    loaded.set(name, waiting);
    document.head.append(element("script", { src: `lookup/${name}.js` }));
  }
  return loaded.get(name).promise;
}

// Keys are sorted by their code points, and strings of JavaScript by halves of these.
function precedes(a, b) {
  const [left, right] = [[...a], [...b]];
  for (let i = 0; i < Math.min(left.length, right.length); i += 1) {
    const difference = left[i].codePointAt(0) - right[i].codePointAt(0);
    if (difference) return difference < 0;
  }
  return left.length < right.length;
}

// The index of the first that does not precede the key.
function bisect(keys, key) {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (precedes(keys[middle], key)) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function findKeys(kind, start) {
  const found = [];
  const firsts = LOOKUP[kind];
  for (let number = Math.max(0, bisect(firsts, start) - 1); number < firsts.length && found.length < SHOWN; number += 1) {
    const { pages, entries } = await loadKeys(`${kind}-${number}`);
    const from = bisect(entries.map(([key]) => key), start);
    for (const [key, page, row, reason, id] of entries.slice(from)) {
      if (!key.startsWith(start) || found.length === SHOWN) return found;
      found.push({ key, page: pages[page], row, reason, id: id ?? key });
    }
  }
  return found;
}

function foundLine({ page, row, reason, id, key }) {
  const link = element("a", { href: `${page}#row-${row}` }, element("code", {}, element("bdi", {}, id)));
  const address = key === id ? "" : element("span", { className: "url" }, key);
  return element("li", {}, link, ` row ${row.toLocaleString("en")}, ${reason} `, address);
}

async function showFound(asked) {
  const [list, count] = [document.getElementById("found"), document.getElementById("found-count")];
  const key = asked.trim();
  const found = !key ? [] : await findKeys(/^[a-z][a-z0-9+.-]*:/i.test(key) ? "urls" : "ids", key);
  if (asked !== document.getElementById("find").value) return; // an older question
  list.replaceChildren(...found.map(foundLine));
  count.textContent = !key ? "" : found.length === SHOWN ? `the first ${SHOWN}` : `${found.length} found`;
}

function startFinding() {
  const field = document.getElementById("find");
  const readHash = () => {
    if (!hash().has("find")) return;
    field.value = hash().get("find");
    showFound(field.value);
    document.getElementById("finding").scrollIntoView();
  };
  field.addEventListener("input", () => showFound(field.value));
  addEventListener("hashchange", readHash);
  readHash();
}

if (document.getElementById("find")) startFinding();
