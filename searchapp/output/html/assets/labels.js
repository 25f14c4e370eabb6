"use strict";
// Where names stand on a map: none over another, none outside or over what is kept free. Pure.

// The point of these whose surroundings are the densest: nearest to its next quarter of them.
function densest(points) {
  const k = Math.floor((points.length - 1) / 4);
  let best = null, least = Infinity;
  for (const [x, y] of points) {
    const apart = points.map(([ox, oy]) => (ox - x) ** 2 + (oy - y) ** 2).sort((a, b) => a - b)[k];
    if (apart < least) [best, least] = [[x, y], apart];
  }
  return best;
}

const meet = (a, b) => a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height;

// The boxes that a label of this size may take: on its anchor, then around it and farther off.
function* placesAround({ x, y, width, height }) {
  yield { left: x - width / 2, top: y - height / 2, width, height, away: 0 };
  for (const gap of [9, 20, 34])
    for (const [dx, dy] of [[0, -1], [0, 1], [1, 0], [-1, 0], [1, -1], [-1, -1], [1, 1], [-1, 1]]) {
      const reach = dx && dy ? gap * 0.7 : gap;
      yield { left: x - width / 2 + dx * (width / 2 + reach), top: y - height / 2 + dy * (height / 2 + reach), width, height, away: gap };
    }
}

// A box for each label { x, y, width, height } with its anchor in the middle, the first ones first, or null where there
// is no room: within [width, height], apart from the `kept` boxes, over few of the `points`, and near its anchor. All
// together they take a tenth of the map at most, so that it is the points that are seen.
function placeLabels(labels, [width, height], kept, points) {
  const taken = [...kept];
  let room = (width * height) / 10;
  return labels.map((label) => {
    if (label.width > width - 4 || label.width * label.height > room) return null;
    let best = null, least = Infinity;
    for (const place of placesAround(label)) {
      place.left = Math.max(2, Math.min(width - 2 - place.width, place.left)); // an anchor near the edge has room beside it
      if (place.top < 2 || place.top + place.height > height - 2) continue;
      if (taken.some((box) => meet(box, place))) continue;
      let cost = place.away / 3;
      for (const [x, y] of points) {
        if (x > place.left - 3 && x < place.left + place.width + 3 && y > place.top - 3 && y < place.top + place.height + 3) cost += 1;
        if (cost >= least) break;
      }
      if (cost < least) [best, least] = [place, cost];
    }
    if (!best) return null;
    taken.push(best);
    room -= label.width * label.height;
    return best;
  });
}
