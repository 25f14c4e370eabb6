"use strict";
// The page tells in words what is pointed at or reached by keys. All text is set as text, never as markup.
const pair = JSON.parse(document.getElementById("data").textContent);
const all = (query, from = document) => [...from.querySelectorAll(query)];
const number = (value, places = 3) => value.toFixed(places).replace("-", "−");
const quoted = (side, unit) => `“${pair[side].labels[unit]}”`;

// ---- words ----
const links = document.querySelector("svg.links");
const hints = new Map(["told", "row-told"].map((id) => [id, document.getElementById(id).textContent]));

function strongest(side, unit) {
  if (!pair.products) return "";
  const other = side === "a" ? "b" : "a";
  const values = side === "a" ? pair.products[unit] : pair.products.map((row) => row[unit]);
  const order = values.map((value, at) => [value, at]).sort((x, y) => Math.abs(y[0]) - Math.abs(x[0])).slice(0, 4);
  return ": " + order.map(([value, at]) => `${number(value, 4)} with ${quoted(other, at)}`).join(", ") + (values.length > 4 ? ", …" : "");
}

function sentence(side, unit) {
  const { shares, nearest } = pair[side];
  const adds = !shares ? "" : ` ${shares[unit] < 0 ? "takes away" : "adds"} ${number(Math.abs(shares[unit]), 4)}${strongest(side, unit)}.`.replace("….", "…");
  if (!nearest[unit]) return quoted(side, unit) + adds;
  const [at, cosine, mutual] = nearest[unit];
  return `${quoted(side, unit)}${adds} Nearest: ${quoted(side === "a" ? "b" : "a", at)}, ${number(cosine)}${mutual ? ", each other’s" : ""}.`;
}

function choose(side, unit) {
  const is = (element) => element.dataset.side === side && Number(element.dataset.unit) === unit;
  const nearest = side && pair[side].nearest[unit];
  all(".w").forEach((word) => word.classList.toggle("on", is(word)));
  links.classList.toggle("choosing", Boolean(side));
  const joined = all("path.link").filter((line) => side && Number(line.dataset[side]) === unit);
  all("path.link").forEach((line) => line.classList.toggle("on", joined.includes(line)));
  const other = side === "a" ? "b" : "a";
  const ends = new Set(joined.map((line) => Number(line.dataset[other])));
  if (nearest) ends.add(nearest[0]);
  all(".row").forEach((row) => row.classList.toggle("on", is(row) || (row.dataset.side === other && ends.has(Number(row.dataset.unit)))));
  for (const [id, hint] of hints) document.getElementById(id).textContent = side ? sentence(side, unit) : hint;
}

// A word is told while it is pointed at or has the focus, and kept by a click, a tap or Enter until it is let go.
let kept = null;
const restore = () => (kept ? choose(...kept) : choose(null));

function keep(word) {
  const place = word && [word.dataset.side, Number(word.dataset.unit)];
  kept = kept && place && kept.join() === place.join() ? null : place;
  restore();
}

all(".words").forEach((text) => {
  const words = all(".w", text);
  if (words.length) words[0].tabIndex = 0;
  text.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const next = words[words.indexOf(document.activeElement) + step];
    if (!step || !next) return;
    event.preventDefault();
    document.activeElement.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
});
all(".w, .row[data-unit]").forEach((word) => {
  const tell = () => choose(word.dataset.side, Number(word.dataset.unit));
  word.addEventListener("pointerenter", (event) => event.pointerType !== "touch" && tell());
  word.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && restore());
  word.addEventListener("focus", tell);
  word.addEventListener("blur", restore);
  word.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    keep(word);
  });
});
document.addEventListener("click", (event) => {
  const word = event.target.closest(".w, .row[data-unit]");
  if (word || kept) keep(word);
});
document.addEventListener("keydown", (event) => event.key === "Escape" && keep(null));
links.parentElement.scrollLeft = (links.parentElement.scrollWidth - links.parentElement.clientWidth) / 2; // the words, not the bars

// ---- matrices: a cell is pointed at, tapped, or reached by the arrow keys ----
function watch(place, tell) {
  const frame = place.querySelector("rect.frame"), cursor = place.querySelector("rect.cursor");
  const rows = Number(frame.dataset.rows), columns = Number(frame.dataset.columns);
  const box = ["x", "y", "width", "height"].map((name) => Number(frame.getAttribute(name)));
  let at = null;
  function move(row, column) {
    at = [Math.max(0, Math.min(rows - 1, row)), Math.max(0, Math.min(columns - 1, column))];
    cursor.setAttribute("x", box[0] + (box[2] / columns) * at[1]);
    cursor.setAttribute("y", box[1] + (box[3] / rows) * at[0]);
    cursor.setAttribute("visibility", "visible");
    tell(...at);
  }
  function moveTo(event) {
    const shown = frame.getBoundingClientRect();
    move(Math.floor(((event.clientY - shown.top) / shown.height) * rows), Math.floor(((event.clientX - shown.left) / shown.width) * columns));
  }
  frame.addEventListener("pointermove", (event) => event.pointerType !== "touch" && moveTo(event)); // a finger that moves scrolls
  frame.addEventListener("click", moveTo);
  place.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    if (at) move(at[0] + step[0], at[1] + step[1]);
    else move(0, 0);
    cursor.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  return () => at && tell(...at);
}

const matrix = document.getElementById("matrix");
const cellTold = document.getElementById("cell-told");
watch(matrix, (a, b) => {
  const adds = pair.products ? `together they ${pair.products[a][b] < 0 ? "take away" : "add"} ${number(Math.abs(pair.products[a][b]), 4)}; ` : "";
  cellTold.textContent = `${quoted("a", a)} and ${quoted("b", b)}: ${adds}their cosine is ${number(pair.similarities[a][b])}.`;
});

// ---- attention: a head is chosen, its picture enlarged, and a value read from the picture's opacity ----
const headTold = document.getElementById("head-told");
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const pictures = {};
let chosen = [0, pair.heads];

function value(side, row, column) {
  const size = pair[side].labels.length, picture = pictures[side];
  if (!picture.complete) return NaN;
  canvas.canvas.width = canvas.canvas.height = 1;
  canvas.drawImage(picture, chosen[1] * size + column, chosen[0] * size + row, 1, 1, 0, 0, 1, 1);
  return (canvas.getImageData(0, 0, 1, 1).data[3] / 255) ** 2;
}

function chosenName() {
  return `Layer ${chosen[0] + 1}, ${chosen[1] < pair.heads ? `head ${chosen[1] + 1}` : "all heads on average"}.`;
}

function chooseHead(layer, head) {
  chosen = [layer, head];
  all("svg.window").forEach((window) => {
    const size = Number(window.dataset.size);
    window.setAttribute("viewBox", `${head * size} ${layer * size} ${size} ${size}`);
  });
  all(".buttons button").forEach((button) => {
    const is = Number(button.dataset.layer) === layer && Number(button.dataset.head) === head;
    button.setAttribute("aria-pressed", is);
    button.tabIndex = is ? 0 : -1;
  });
  headTold.textContent = chosenName();
}

for (const side of ["a", "b"]) {
  pictures[side] = new Image();
  pictures[side].src = document.getElementById(`atlas-${side}`).getAttribute("href");
  watch(document.querySelector(`.one[data-side="${side}"]`), (row, column) => {
    headTold.textContent = `${chosenName()} ${quoted(side, row)} takes ${number(value(side, row, column), 2)} from ${quoted(side, column)}.`;
  });
}
all(".buttons").forEach((group) => {
  group.addEventListener("click", (event) => {
    const { layer, head } = event.target.dataset;
    if (layer) chooseHead(Number(layer), Number(head));
  });
  group.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const within = (number, most) => Math.max(0, Math.min(most, number));
    chooseHead(within(chosen[0] + step[0], pair.layers - 1), within(chosen[1] + step[1], pair.heads));
    group.querySelector('[aria-pressed="true"]').focus();
  });
});
chooseHead(pair.layers - 1, pair.heads);
