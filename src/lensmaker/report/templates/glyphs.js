"use strict";
/* Optical elements as polygons in the box [-1, 1]², the axis along x: one for each family of operations. */
const GLYPHS = (() => {
  const steps = (n, f) => Array.from({ length: n + 1 }, (_, i) => f(-1 + (2 * i) / n));
  const box = (x0, x1, y0, y1) => [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]];
  const lens = (left, right, height = 1) => {
    const face = (bulge) => steps(12, (t) => [bulge * (1 - t * t), t * height]);
    const outline = [...face(left), ...face(right).reverse()];
    return [...outline, outline[0]];
  };
  const shift = (polygon, dx) => polygon.map(([x, y]) => [x + dx, y]);
  const ring = (rx, ry) => steps(24, (t) => [rx * Math.cos(Math.PI * t), ry * Math.sin(Math.PI * t)]);
  return {
    linear: [lens(-0.6, 0.6)],
    convolution: [lens(-0.75, 0)],
    attention: [shift(lens(-0.55, 0.25), -0.3), shift(lens(-0.25, 0.55), 0.3)],
    recurrent: [ring(0.75, 0.75), ring(0.35, 0.35)],
    normalisation: [box(-0.22, 0.22, 0.5, 1), box(-0.22, 0.22, -1, -0.5)],
    activation: [box(-0.2, 0.2, -0.8, 0.8)],
    dropout: [box(-0.15, 0.15, 0.5, 0.85), box(-0.15, 0.15, -0.17, 0.17), box(-0.15, 0.15, -0.85, -0.5)],
    pooling: [[[-0.6, -0.9], [0.6, -0.4], [0.6, 0.4], [-0.6, 0.9], [-0.6, -0.9]]],
    addition: [[[-0.6, 0], [0, 0.6], [0.6, 0], [0, -0.6], [-0.6, 0]]],
    product: [[[-0.6, -0.6], [0.6, 0.6], [0.6, -0.6], [-0.6, 0.6], [-0.6, -0.6]]],
    joining: [[[-0.6, -0.7], [0.6, 0], [-0.6, 0.7], [-0.6, -0.7]]],
    loss: [box(-0.1, 0.25, -1, 1), box(0.25, 0.6, -0.45, 0.45)],
    other: [box(-0.05, 0.05, -0.5, 0.5)],
  };
})();
