// The wires between the peers, on which messages are seen to travel.
"use strict";

const TRAVEL_MS = 500; // as long as a message takes in cluster.py
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const wires = {
  svg: document.querySelector("#wires"),
  dots: new Map(), // number of the message -> its dot

  make(tag, attributes) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  },

  place(index) {
    return { x: this.svg.clientWidth * (2 * index + 1) / 6, y: this.svg.clientHeight - 26 };
  },

  bend(source, target) { // the control point of the curve between two peers
    const [a, b] = [this.place(source), this.place(target)];
    return { x: (a.x + b.x) / 2, y: Math.abs(source - target) === 1 ? a.y - 36 : a.y - 120 };
  },

  draw() {
    if (!state) return;
    const parts = [];
    for (const [a, b] of [[0, 1], [1, 2], [0, 2]]) {
      const [from, to, bend] = [this.place(a), this.place(b), this.bend(a, b)];
      const on = state.peers[a].on && state.peers[b].on;
      parts.push(this.make("path", { class: on ? "" : "off",
        d: `M${from.x} ${from.y}Q${bend.x} ${bend.y} ${to.x} ${to.y}` }));
    }
    state.peers.forEach((peer, index) => {
      const { x, y } = this.place(index);
      const group = this.make("g", { class: peer.name.toLowerCase() });
      const letter = this.make("text", { x, y });
      letter.textContent = peer.name[0];
      const kind = `node ${peer.on ? "" : "off"}`;
      group.append(this.make("circle", { class: kind, cx: x, cy: y, r: 17 }), letter);
      parts.push(group);
    });
    this.svg.replaceChildren(...parts, ...[...this.dots.values()].map(({ dot }) => dot));
  },

  fly({ n, source, target, text }) {
    if (calm.matches || document.hidden) return;
    const kind = { 10: "patch", 20: "ping" }[JSON.parse(text).type] ?? "request";
    const group = this.make("g", { class: nameOf(source).toLowerCase() });
    const circle = this.make("circle", { class: kind, r: { patch: 7, ping: 3, request: 5 }[kind] });
    const ahead = [...this.dots.values()].filter((d) => d.way === `${source}${target}`).length;
    const start = performance.now() + 50 * Math.min(ahead, 4);
    const flight = { dot: group, circle, way: `${source}${target}` };
    group.append(circle);
    this.dots.set(n, flight);
    this.svg.append(group);
    const step = (now) => {
      const t = Math.max(0, (now - start) / TRAVEL_MS);
      if (t >= 1 || flight.isLost) {
        this.dots.delete(n);
        setTimeout(() => group.remove(), flight.isLost ? 500 : 0);
        return;
      }
      const [a, c, b] = [this.place(source), this.bend(source, target), this.place(target)];
      const at = (axis) => (1 - t) ** 2 * a[axis] + 2 * t * (1 - t) * c[axis] + t * t * b[axis];
      circle.setAttribute("cx", at("x"));
      circle.setAttribute("cy", at("y"));
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  },

  lose(n) {
    const flight = this.dots.get(n);
    if (!flight) return;
    flight.isLost = true;
    flight.circle.setAttribute("class", "lost");
  },
};
