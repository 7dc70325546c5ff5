// One peer: its table, what is deleted, and what waits.
"use strict";

class Panel {
  constructor(index) {
    const peer = state.peers[index];
    this.index = index;
    this.rows = new Map(); // id -> Row
    this.root = $("#peer").content.cloneNode(true).firstElementChild;
    this.root.classList.add(peer.name.toLowerCase());
    this.root.id = `peer-${index}`;
    this.root.setAttribute("aria-label", peer.name);
    $("h2", this.root).textContent = peer.name;
    $("table", this.root).setAttribute("aria-label", `Talks of ${peer.name}`);
    $(".badge", this.root).textContent = peer.name[0];
    this.link = $(".switch", this.root);
    this.link.setAttribute("aria-label", `${peer.name} is connected`);
    this.link.onclick = () => link(index, !state.peers[index].on).catch((e) => this.fail(e));
    $(".add", this.root).onclick = () => this.add();
  }

  fail(error) {
    showError($(".error", this.root), error.message);
  }

  async add() {
    const id = newId();
    try {
      await post({ do: "add", peer: this.index, id, title: "New talk", room: null,
                   starts: 9, ends: 10 });
      $(".error", this.root).hidden = true;
      for (let i = 0; i < 20 && !this.rows.has(id); i++) await pause(50);
      this.rows.get(id)?.cells.title.input.select();
    } catch (error) {
      this.fail(error);
    }
  }

  show(peer) {
    this.root.classList.toggle("off", !peer.on);
    this.link.setAttribute("aria-checked", peer.on);
    $(".text", this.link).textContent = peer.on ? "connected" : "cut off";
    $(".digest code", this.root).textContent = peer.digest;
    const wrote = new Map(); // id -> column -> {value, by, ms}
    for (const [id, column, value, by, ms] of peer.wrote) {
      if (!wrote.has(id)) wrote.set(id, {});
      wrote.get(id)[column] = { value, by: by - 1, ms };
    }
    const shown = new Set(peer.rows.map(([id]) => id));
    for (const [id, row] of this.rows) {
      if (!shown.has(id)) {
        row.remove();
        this.rows.delete(id);
      }
    }
    let before = null;
    for (const { id, values } of rowsOf(peer)) {
      if (!this.rows.has(id)) this.rows.set(id, new Row(this, id, before));
      before = this.rows.get(id);
      before.show(values, wrote.get(id) ?? {});
    }
    $(".deleted", this.root).replaceChildren(...[...wrote].filter(
      ([id, row]) => !shown.has(id) && row.deletedAt).map(([, row]) => {
      const item = element("li");
      const { by, ms } = row.deletedAt;
      item.append(element("s", "", row.title?.value ?? "A talk"), " deleted by ", badge(by),
                  ` ${nameOf(by)}, ${clock(ms)}`);
      return item;
    }));
    this.showParked(peer);
  }

  showParked(peer) {
    const count = peer.parked.length;
    const box = $(".parked", this.root);
    box.hidden = count === 0;
    $("h3", box).textContent = count === 1 ? "1 change waits" : `${count} changes wait`;
    $("ul", box).replaceChildren(...peer.parked.map(([by, ms, delta, , detail]) => {
      const item = element("li");
      const cause = detail.replace(/; it is tried again.*/s, ""); // the footer says so
      item.append(badge(by - 1), ` ${nameOf(by - 1)}, ${clock(ms)}: ${words(JSON.parse(delta))}. `,
                  element("strong", "", explain(detail)), element("code", "", cause));
      return item;
    }));
  }
}

function newId() {
  return Date.now().toString(36) + Math.random().toString(36).slice(2, 6);
}
