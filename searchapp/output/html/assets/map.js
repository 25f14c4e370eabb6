"use strict";
// Draws the map and tells what is pointed at or reached by keys. All text is set as text, never as markup.
const map = JSON.parse(document.getElementById("data").textContent);
const { x, y, group } = map;
const count = x.length;
const element = (name) => document.getElementById(name);
const canvas = element("canvas"), front = canvas.getContext("2d");
const sheet = document.createElement("canvas"), back = sheet.getContext("2d");
const COLOURS = 8, SHAPES = 3, REST = -1, REACH = 14, TOUCH_REACH = 26; // pixels within which a point is meant
const MANY = 3000; // points that are painted without edges
const FONT = '600 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif'; // of names
const SAMPLE = 200, COVERED = 1500; // points by which a name finds its place, and which it tries not to cover
const radius = count < 400 ? 5 : count < 3000 ? 4 : count < 20000 ? 3 : 2;
const members = [REST, ...map.groups.keys()].map((number) => [number, [...group.keys()].filter((i) => group[i] === number)]);
const hidden = new Set();
let chosen = null, pointed = null, shown = null; // points: kept, under the pointer, in the panel
let matches = null, lit = null; // which points have the words that are looked for; the group that alone is lit
let view = { x: 0, y: 0, scale: 1 }, fitting = 1, width = 1, height = 1;
let palette = {};

const name = (number) => (number === REST ? map.rest : map.groups[number]);
const documentOf = (i) => map.documents[map.document[i]];
const titleOf = (i) => documentOf(i)[1] || documentOf(i)[0];
const isSeen = (i) => !hidden.has(group[i]);

// ---- view ----
const across = (i) => (x[i] - view.x) * view.scale + width / 2;
const down = (i) => (view.y - y[i]) * view.scale + height / 2;

function showAll() {
  let left = Infinity, right = -Infinity, bottom = Infinity, top = -Infinity;
  for (let i = 0; i < count; i++) {
    if (!isSeen(i)) continue;
    left = Math.min(left, x[i]);
    right = Math.max(right, x[i]);
    bottom = Math.min(bottom, y[i]);
    top = Math.max(top, y[i]);
  }
  if (left > right) return;
  const room = 36;
  fitting = Math.min((width - 2 * room) / (right - left || 1e-9), (height - 2 * room) / (top - bottom || 1e-9), 1e9);
  if (right === left && top === bottom) fitting = 1;
  view = { x: (left + right) / 2, y: (top + bottom) / 2, scale: fitting };
  draw();
}

function zoom(factor, px = width / 2, py = height / 2) {
  const scale = Math.max(fitting / 4, Math.min(fitting * 400, view.scale * factor));
  view.x += (px - width / 2) * (1 / view.scale - 1 / scale);
  view.y -= (py - height / 2) * (1 / view.scale - 1 / scale);
  view.scale = scale;
  draw();
}

function move(dx, dy) {
  view.x -= dx / view.scale;
  view.y += dy / view.scale;
  draw();
}

function bringIntoView(i) {
  const room = 40;
  if (across(i) > room && across(i) < width - room && down(i) > room && down(i) < height - room) return;
  view.x = x[i];
  view.y = y[i];
  draw();
}

// ---- drawing: all points on a sheet that stays until they move, and over it what is chosen or pointed at ----
let isDue = false, isStale = true;
function draw(isSheet = true) {
  isStale ||= isSheet;
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    if (isStale) paintSheet();
    isStale = false;
    paint();
  });
}

function readPalette() {
  const style = getComputedStyle(document.documentElement);
  const read = (key) => style.getPropertyValue(`--${key}`).trim();
  palette = { paper: read("paper"), ink: read("ink"), rest: read("rest"), groups: [...Array(COLOURS).keys()].map((at) => read(`c${at}`)) };
}

const colourOf = (number) => (number === REST ? palette.rest : palette.groups[number % COLOURS]);
// Disc, square, triangle: with eight colours no two of 24 groups look the same, and neighbours in the legend differ in
// both. What is in no group is a diamond.
const shapeOf = (number) => (number === REST ? SHAPES : number % SHAPES);

function trace(pen, shape, px, py, r) {
  if (r < 1.6 || shape === 1) pen.rect(px - r * 0.88, py - r * 0.88, r * 1.76, r * 1.76);
  else if (shape === 2) {
    pen.moveTo(px, py - r * 1.2);
    pen.lineTo(px + r * 1.1, py + r * 0.85);
    pen.lineTo(px - r * 1.1, py + r * 0.85);
    pen.closePath();
  } else if (shape === SHAPES) {
    pen.moveTo(px, py - r * 1.2);
    for (const [dx, dy] of [[1, 0], [0, 1], [-1, 0]]) pen.lineTo(px + r * 1.2 * dx, py + r * 1.2 * dy);
    pen.closePath();
  } else {
    pen.moveTo(px + r, py);
    pen.arc(px, py, r, 0, 2 * Math.PI);
  }
}

const sizeNow = () => radius * Math.min(2, Math.max(1, view.scale / fitting) ** 0.35);
const isLit = (i) => (matches === null || matches[i]) && (lit === null || group[i] === lit);

// Points of a group, all at once where there are many; of few, each has an edge that tells it from those below.
function paintGroup(number, points, wanted, alpha) {
  const r = sizeNow(), shape = shapeOf(number), hasEdges = wanted && count < MANY;
  back.globalAlpha = alpha;
  back.fillStyle = colourOf(number);
  back.strokeStyle = palette.paper;
  back.lineWidth = 0.8;
  back.beginPath();
  for (const i of points) {
    if (isLit(i) !== wanted) continue;
    const px = across(i), py = down(i);
    if (px < -r || px > width + r || py < -r || py > height + r) continue;
    if (hasEdges) back.beginPath();
    trace(back, shape, px, py, r);
    if (!hasEdges) continue;
    back.fill();
    back.stroke();
  }
  if (!hasEdges) back.fill();
  back.globalAlpha = 1;
}

function paintSheet() {
  back.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  back.clearRect(0, 0, width, height);
  const seen = members.filter(([number, points]) => points.length && !hidden.has(number));
  const isPartial = matches !== null || lit !== null;
  if (isPartial) for (const [number, points] of seen) paintGroup(number, points, false, 0.13);
  for (const [number, points] of seen) paintGroup(number, points, true, isPartial || count < MANY ? 1 : count > 20000 ? 0.6 : 0.82);
  const named = lit === null ? seen : seen.filter(([number]) => number === lit);
  placed = matches === null && (lit !== null || isNamed()) ? placeNames(named) : [];
  paintNames();
}

function paint() {
  front.setTransform(1, 0, 0, 1, 0, 0);
  front.clearRect(0, 0, canvas.width, canvas.height);
  front.drawImage(sheet, 0, 0);
  front.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  for (const i of new Set([chosen, pointed])) if (i !== null && isSeen(i)) paintPoint(i);
}

// A point with lines to those that are nearest in truth.
function paintPoint(i) {
  const others = map.nearest[i].filter(isSeen), r = sizeNow();
  front.strokeStyle = palette.ink;
  front.lineWidth = 1;
  front.setLineDash([4, 3]);
  front.beginPath();
  for (const other of others) {
    front.moveTo(across(i), down(i));
    front.lineTo(across(other), down(other));
  }
  front.stroke();
  front.setLineDash([]);
  for (const other of others) paintRing(other, r, 1.5);
  paintRing(i, r * 1.5 + 1, 2.5);
}

function paintRing(i, r, line) {
  front.beginPath();
  trace(front, shapeOf(group[i]), across(i), down(i), Math.max(r, 3));
  front.fillStyle = colourOf(group[i]);
  front.fill();
  front.strokeStyle = palette.ink;
  front.lineWidth = line;
  front.stroke();
}

const isNamed = () => element("names").getAttribute("aria-pressed") === "true";
const thinned = (points, most) => (points.length <= most ? points : Array.from({ length: most }, (_, at) => points[Math.floor((at * points.length) / most)]));

// Where a group's name belongs: in its densest part, or in that of what is in view of it.
const anchors = new Map();
function anchorOf(number, points) {
  const some = thinned(points, SAMPLE).map((i) => [x[i], y[i]]);
  const onScreen = ([px, py]) => [(px - view.x) * view.scale + width / 2, (view.y - py) * view.scale + height / 2];
  const isInView = ([px, py]) => px >= 0 && px <= width && py >= 0 && py <= height;
  if (!anchors.has(number)) anchors.set(number, densest(some));
  const usual = onScreen(anchors.get(number));
  return isInView(usual) ? usual : densest(some.map(onScreen).filter(isInView));
}

// The text, or as much of its beginning as fits.
function shortened(text, most) {
  if (back.measureText(text).width <= most) return text;
  let letters = [...text];
  while (letters.length > 1 && back.measureText(`${letters.join("")}…`).width > most) letters = letters.slice(0, -1);
  return `${letters.join("")}…`;
}

// The names that find room, larger groups first; the others are told by the legend and by each point.
let placed = [];
function placeNames(seen) {
  back.font = FONT;
  const frame = canvas.getBoundingClientRect(), box = document.querySelector(".zoom").getBoundingClientRect();
  const kept = [{ left: box.left - frame.left - 4, top: box.top - frame.top - 4, width: box.width + 8, height: box.height + 8 }];
  const labels = [];
  for (const [number, points] of seen) {
    const anchor = number === REST ? null : anchorOf(number, points);
    if (!anchor) continue;
    const text = shortened(name(number), Math.min(200, width * 0.42));
    labels.push({ text, x: anchor[0], y: anchor[1], width: Math.ceil(back.measureText(text).width) + 8, height: 19 });
  }
  const drawn = thinned([...Array(count).keys()].filter(isSeen), COVERED).map((i) => [across(i), down(i)]);
  const boxes = placeLabels(labels, [width, height], kept, drawn);
  return labels.map(({ text }, at) => ({ text, ...boxes[at] })).filter((label) => label.width);
}

function paintNames() {
  back.font = FONT;
  back.textAlign = "center";
  back.textBaseline = "middle";
  back.lineJoin = "round";
  back.lineWidth = 4;
  back.strokeStyle = palette.paper;
  back.fillStyle = palette.ink;
  for (const label of placed) {
    const middle = [label.left + label.width / 2, label.top + label.height / 2];
    back.strokeText(label.text, ...middle);
    back.fillText(label.text, ...middle);
  }
}

// ---- the panel ----
function markOf(number) {
  const space = "http://www.w3.org/2000/svg", mark = document.createElementNS(space, "svg"), path = document.createElementNS(space, "path");
  const shapes = ["M13 7A6 6 0 1 1 1 7A6 6 0 1 1 13 7", "M2 2H12V12H2Z", "M7 .5L13.5 12.5H.5Z", "M7 .5L13.5 7L7 13.5L.5 7Z"];
  path.setAttribute("d", shapes[shapeOf(number)]);
  mark.setAttribute("viewBox", "0 0 14 14");
  mark.setAttribute("aria-hidden", "true");
  mark.classList.add("mark");
  if (number !== REST) mark.classList.add(`c${number % COLOURS}`);
  mark.append(path);
  return mark;
}

function make(kind, text = "", type = "") {
  const made = document.createElement(kind);
  made.textContent = text;
  if (type) made.className = type;
  return made;
}

function paintWords(place, text) {
  place.textContent = "";
  const words = wanted();
  if (!words.length) return place.append(text);
  const plain = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  for (const part of text.split(new RegExp(`(${plain})`, "giu"))) place.append(words.includes(part.toLowerCase()) ? make("mark", part) : part);
}

function showPoint(i) {
  shown = i;
  element("card").hidden = i === null;
  element("hint").hidden = i !== null;
  if (i === null) return;
  const [path, title, file, command] = documentOf(i);
  element("title").textContent = title || path;
  element("meta").replaceChildren(markOf(group[i]), [name(group[i]), title ? path : "", map.place[i]].filter(Boolean).join(" · "));
  element("heading").textContent = map.heading[i];
  element("heading").hidden = !map.heading[i];
  paintWords(element("text"), map.text[i]);
  element("file").href = file + map.at[i];
  element("shown").hidden = !command;
  element("command").textContent = command;
  element("copy").textContent = "Copy";
  element("near").hidden = !map.nearest[i].length;
  element("nearest").replaceChildren(...map.nearest[i].map((other, at) => nearestItem(other, map.cosine[i][at])));
}

function nearestItem(other, cosine) {
  const item = make("li"), button = make("button"), told = make("span");
  button.type = "button";
  told.append(markOf(group[other]), make("b", titleOf(other)), ` ${map.place[other]} `, make("span", beginning(other), "dim"));
  button.append(make("span", cosine.toFixed(3).replace("-", "−")), told);
  button.addEventListener("click", () => {
    if (!isSeen(other)) toggle(group[other]);
    choose(other);
    bringIntoView(other);
    element("title").focus(); // the button is gone
  });
  item.append(button);
  return item;
}

const beginning = (i) => {
  const text = map.text[i].replace(/\s+/g, " ").trim();
  return text.length > 90 ? `${text.slice(0, 90).replace(/\S*$/, "")}…` : text;
};

function choose(i) {
  chosen = i;
  showPoint(i);
  peek(i);
  element("told").textContent = i === null ? "" : `${titleOf(i)}. ${name(group[i])}. ${map.place[i]}. ${beginning(i)}`;
  draw(false);
}

// Where the panel is below the map, a point that is chosen says on the map what it is, on the half where it is not.
const isNarrow = matchMedia("(max-width: 760px)");
function peek(i) {
  const box = element("peek");
  box.hidden = i === null || !isNarrow.matches;
  if (box.hidden) return;
  element("peek-title").replaceChildren(markOf(group[i]), titleOf(i));
  element("peek-meta").textContent = [name(group[i]), map.place[i]].filter(Boolean).join(" · ");
  element("peek-text").textContent = beginning(i);
  box.classList.toggle("low", down(i) < height / 2);
}

function point(i, px = 0, py = 0) {
  const tip = element("tip");
  tip.hidden = i === null;
  canvas.classList.toggle("over", i !== null);
  if (i !== null) {
    tip.replaceChildren(markOf(group[i]), make("b", name(group[i])), ` ${titleOf(i)}`);
    const left = Math.min(px + 14, width - tip.offsetWidth - 6), top = py + 18 + tip.offsetHeight > height ? py - tip.offsetHeight - 12 : py + 18;
    tip.style.transform = `translate(${Math.max(4, left)}px, ${top}px)`;
  }
  if (i === pointed) return;
  pointed = i;
  if (chosen === null) showPoint(i);
  draw(false);
}

// ---- pointer ----
function nearestTo(px, py, reach) {
  let best = null, least = reach * reach;
  for (let i = 0; i < count; i++) {
    if (!isSeen(i) || !isLit(i)) continue;
    const apart = (across(i) - px) ** 2 + (down(i) - py) ** 2;
    if (apart < least) [best, least] = [i, apart];
  }
  return best;
}

const fingers = new Map();
let hasMoved = false;
const placeOf = (event) => {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};
const reachOf = (event) => (event.pointerType === "touch" ? TOUCH_REACH : REACH);

canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  if (!fingers.size) hasMoved = false;
  fingers.set(event.pointerId, placeOf(event));
});
canvas.addEventListener("pointermove", (event) => {
  const now = placeOf(event), before = fingers.get(event.pointerId);
  if (!before) return point(nearestTo(...now, reachOf(event)), ...now);
  if (!hasMoved && Math.hypot(now[0] - before[0], now[1] - before[1]) < 4) return;
  hasMoved = true;
  canvas.classList.add("moving");
  const other = [...fingers].find(([id]) => id !== event.pointerId);
  if (other) {
    const spread = (place) => Math.hypot(place[0] - other[1][0], place[1] - other[1][1]) || 1;
    zoom(spread(now) / spread(before), (now[0] + other[1][0]) / 2, (now[1] + other[1][1]) / 2);
  }
  move((now[0] - before[0]) / fingers.size, (now[1] - before[1]) / fingers.size);
  fingers.set(event.pointerId, now);
});
for (const end of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(end, (event) => {
    const is = fingers.delete(event.pointerId);
    canvas.classList.remove("moving");
    if (end === "pointerup" && is && !hasMoved) choose(nearestTo(...placeOf(event), reachOf(event)));
  });
}
canvas.addEventListener("pointerleave", () => point(null));
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? height : 1);
  zoom(Math.exp(-Math.max(-240, Math.min(240, pixels)) / 300), ...placeOf(event));
}, { passive: false });
canvas.addEventListener("dblclick", (event) => zoom(2.5, ...placeOf(event)));

// ---- keys ----
// The next point in a direction: near, and not far aside.
function nextTowards(dx, dy) {
  if (shown === null || !isSeen(shown) || !isLit(shown)) return nearestTo(width / 2, height / 2, Infinity);
  let best = null, least = Infinity;
  for (let i = 0; i < count; i++) {
    if (i === shown || !isSeen(i) || !isLit(i)) continue;
    const ax = across(i) - across(shown), ay = down(i) - down(shown);
    const ahead = ax * dx + ay * dy, aside = Math.abs(ax * dy - ay * dx), cost = ahead + (aside > ahead ? 5 : 2) * aside;
    if (ahead > 0 && cost < least) [best, least] = [i, cost];
  }
  return best ?? shown;
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
canvas.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const arrow = ARROWS[event.key];
  if (arrow && event.shiftKey) move(-60 * arrow[0], -60 * arrow[1]);
  else if (arrow) {
    const next = nextTowards(...arrow);
    choose(next);
    if (next !== null) bringIntoView(next);
  } else if (event.key === "+" || event.key === "=") zoom(1.4);
  else if (event.key === "-") zoom(1 / 1.4);
  else if (event.key === "0") showAll();
  else if (event.key === "Enter" && shown !== null) choose(shown);
  else if (event.key === "Escape") choose(null);
  else return;
  event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target === element("words")) return;
  event.preventDefault();
  element("words").focus();
});

// ---- words ----
const plain = (text) => text.toLowerCase();
const wanted = () => plain(element("words").value).split(/\s+/).filter(Boolean);
let texts = null; // what is looked through, put together when first needed
const textOf = (i) => plain(`${documentOf(i)[1]}\n${documentOf(i)[0]}\n${map.heading[i]}\n${map.text[i]}`);

function find() {
  const words = wanted();
  texts ??= Array.from({ length: count }, (_, i) => textOf(i));
  matches = words.length ? texts.map((text) => words.every((word) => text.includes(word))) : null;
  const total = matches ? matches.filter(Boolean).length : 0;
  element("found").textContent = matches ? `${total.toLocaleString("en")} of ${count.toLocaleString("en")}${total ? "; Enter goes from one to the next" : ""}` : "";
  if (shown !== null) paintWords(element("text"), map.text[shown]);
  draw();
}

function findNext() {
  if (!matches) return;
  const from = chosen === null ? 0 : chosen + 1;
  for (let step = 0; step < count; step++) {
    const i = (from + step) % count;
    if (!matches[i] || !isSeen(i)) continue;
    choose(i);
    bringIntoView(i);
    return;
  }
}

let waiting = 0;
element("words").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(find, count > 5000 ? 250 : 60);
});
element("words").form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(waiting);
  find();
  findNext();
});

// ---- groups ----
const buttons = new Map();
function toggle(number, isAlone = false) {
  if (isAlone) {
    const others = members.map(([other]) => other).filter((other) => other !== number);
    const isAloneAlready = others.every((other) => hidden.has(other) || !buttons.has(other));
    hidden.clear();
    if (!isAloneAlready) others.forEach((other) => hidden.add(other));
  } else if (!hidden.delete(number)) hidden.add(number);
  buttons.forEach((button, other) => button.setAttribute("aria-pressed", String(!hidden.has(other))));
  if (chosen !== null && !isSeen(chosen)) choose(null);
  draw();
}

function light(number) {
  lit = number;
  draw();
}

for (const [number, points] of [...members.slice(1), members[0]]) {
  if (!points.length) continue;
  const button = make("button");
  button.type = "button";
  button.title = "Show or hide; with Shift, show this one alone";
  button.append(markOf(number), make("span", name(number)), make("span", points.length.toLocaleString("en"), "count"));
  button.setAttribute("aria-pressed", "true");
  button.addEventListener("click", (event) => toggle(number, event.shiftKey));
  button.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && light(number));
  button.addEventListener("pointerleave", () => light(null));
  buttons.set(number, button);
  element("groups").append(button);
}

// ---- buttons ----
element("in").addEventListener("click", () => zoom(1.6));
element("out").addEventListener("click", () => zoom(1 / 1.6));
element("all").addEventListener("click", showAll);
element("names").addEventListener("click", (event) => {
  event.currentTarget.setAttribute("aria-pressed", String(!isNamed()));
  draw();
});
element("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(element("command").textContent);
    element("copy").textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(element("command")); // where a page from the disk may not write to the clipboard
    element("copy").textContent = "Press Ctrl+C";
  }
});

element("read").addEventListener("click", () => {
  element("panel").scrollIntoView();
  element("title").focus({ preventScroll: true });
});
element("close").addEventListener("click", () => {
  choose(null);
  canvas.focus({ preventScroll: true });
});
isNarrow.addEventListener("change", () => peek(chosen));

// ---- begin ----
function resize() {
  const isWhole = width === 1 || view.scale === fitting;
  ({ clientWidth: width, clientHeight: height } = canvas);
  for (const each of [canvas, sheet]) {
    each.width = Math.round(width * devicePixelRatio);
    each.height = Math.round(height * devicePixelRatio);
  }
  if (isWhole) showAll();
  paintSheet();
  paint();
}
readPalette();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  readPalette();
  draw();
});
new ResizeObserver(resize).observe(canvas);
