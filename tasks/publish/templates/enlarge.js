"use strict";

// An image in the size of the window, beside the one that it matches best, with the keypoints that both show.
const SVG = "http://www.w3.org/2000/svg";
let pairsLoaded = null;
let shownPairs = {};

function bestPairs(pairs) {
  shownPairs = pairs;
}

function loadPairs() {
  const script = document.body.dataset.pairs;
  if (!pairsLoaded) {
    pairsLoaded = !script ? Promise.resolve() : new Promise((resolve) => {
      document.head.append(element("script", { src: script, onload: resolve, onerror: resolve }));
    });
  }
  return pairsLoaded;
}

function drawn(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// The bytes as they came lie in the root, four folders above the report; where they are not shown, the thumbnail is.
function original([path, width, height]) {
  const base = document.body.dataset.base;
  const digest = path.split("/").pop().split(".")[0];
  const image = element("img", { src: `${base}../../../../${path}`, alt: "", width, height });
  image.addEventListener("error", () => { image.src = `${base}pictures/${digest}.jpg`; }, { once: true });
  image.style.aspectRatio = `${width} / ${height}`;
  return image;
}

function drawPoints(sheet, images, points, sizes) {
  const frame = sheet.getBoundingClientRect();
  const ends = images.map((image, side) => {
    const box = image.getBoundingClientRect();
    const scale = box.width / sizes[side][1];
    return ([x, y]) => [box.left - frame.left + x * scale, box.top - frame.top + y * scale];
  });
  const svg = drawn("svg", { width: frame.width, height: frame.height, "aria-hidden": "true" });
  points.forEach(([x1, y1, x2, y2], number) => {
    const [[a, b], [c, d]] = [ends[0]([x1, y1]), ends[1]([x2, y2])];
    const stroke = `hsl(${(number * 222.5) % 360} 85% 55%)`;
    svg.append(drawn("line", { x1: a, y1: b, x2: c, y2: d, stroke }));
    for (const [cx, cy] of [[a, b], [c, d]]) svg.append(drawn("circle", { cx, cy, r: 5, stroke }));
  });
  sheet.querySelector("svg")?.remove();
  sheet.append(svg);
}

async function enlarge(item) {
  await loadPairs();
  const dialog = document.getElementById("enlarged") || document.body.appendChild(element("dialog", { id: "enlarged" }));
  const pair = shownPairs[item.dataset.id];
  const drawing = item.querySelector(".drawing, img");
  const sheet = element("div", { className: "sheet" });
  const close = element("button", { type: "button", autofocus: true }, "Close");
  close.addEventListener("click", () => dialog.close());
  let told = item.dataset.id;
  let images = [];
  if (pair) {
    images = [pair.own, ...(pair.other ? [pair.other] : [])].map(original);
    if (pair.other) told += ` and ${pair.id}: ${pair.inliers} inliers`;
  } else if (drawing) {
    images = [element("img", { src: drawing.src, alt: drawing.alt })];
  }
  sheet.append(...images);
  dialog.replaceChildren(sheet, element("p", {}, element("bdi", {}, told), " ", close));
  dialog.showModal();
  if (!pair?.other) return;
  const redraw = () => drawPoints(sheet, images, pair.points, [pair.own, pair.other]);
  new ResizeObserver(redraw).observe(sheet);
  redraw();
}

addEventListener("click", (event) => {
  const tile = event.target.closest("[data-can] .tile, [data-can] .drawing");
  if (tile) enlarge(tile.closest("[data-can]"));
  if (event.target.id === "enlarged") event.target.close();
});
