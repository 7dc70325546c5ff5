// One peer: its table, what is deleted and what waits, and what is edited.
"use strict";

const COLUMNS = ["title", "room", "starts", "ends"];
const LABELS = { title: "Title", room: "Room", starts: "From", ends: "To" };

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
      item.append(badge(by - 1), ` ${nameOf(by - 1)}, ${clock(ms)}: ${words(JSON.parse(delta))}. `,
                  element("strong", "", explain(detail)), element("code", "", detail));
      return item;
    }));
  }
}

class Row {
  constructor(panel, id, before) {
    this.panel = panel;
    this.id = id;
    this.tr = element("tr");
    this.errorRow = element("tr");
    this.errorRow.hidden = true;
    const cell = element("td", "error-cell");
    cell.colSpan = 5;
    this.error = element("p", "error");
    this.error.id = `error-${panel.index}-${id}`;
    this.error.setAttribute("role", "alert");
    cell.append(this.error);
    this.errorRow.append(cell);
    this.cells = {};
    for (const column of COLUMNS) this.tr.append(this.makeCell(column));
    this.button = element("button", "delete", "×");
    this.button.type = "button";
    this.button.onclick = () => this.write({ do: "delete" });
    this.tr.append(element("td"));
    this.tr.lastElementChild.append(this.button);
    if (before) before.errorRow.after(this.tr, this.errorRow);
    else $("tbody", panel.root).prepend(this.tr, this.errorRow);
  }

  makeCell(column) {
    const td = element("td");
    const input = element("input");
    const who = element("span", "who");
    input.name = column;
    input.autocomplete = "off";
    input.spellcheck = false;
    input.onchange = () => this.commit(column);
    input.onkeydown = (event) => {
      if (event.key === "Escape") this.revert();
    };
    td.append(input, who);
    this.cells[column] = { td, input, who, value: "", stamp: "" };
    return td;
  }

  show(values, wrote) {
    const title = values[0];
    this.button.setAttribute("aria-label", `Delete “${title}”`);
    COLUMNS.forEach((column, i) => {
      const cell = this.cells[column];
      const text = values[i] === null ? "" : String(values[i]);
      const isEdited = (cell.input === document.activeElement && cell.input.value !== cell.value)
        || cell.input.ariaInvalid === "true" || cell.input.dataset.busy;
      if (!isEdited) cell.input.value = text;
      cell.value = text;
      cell.input.setAttribute("aria-label", `${LABELS[column]} of “${title}” at ${this.panel.root
        .getAttribute("aria-label")}`);
      if (!(column in wrote)) return; // NULL from the beginning
      const { by, ms } = wrote[column];
      if (cell.stamp === `${by}/${ms}`) return;
      const isFirst = cell.stamp === "";
      cell.stamp = `${by}/${ms}`;
      const time = clock(ms);
      cell.who.replaceChildren(badge(by), element("span", "hidden", `${nameOf(by)} wrote this at`),
                               ` ${i < 2 ? time : time.slice(0, 5)}`);
      cell.td.title = `${nameOf(by)} wrote this at ${time}`;
      if (!isFirst) this.flash(cell.td, by);
    });
  }

  flash(td, by) {
    td.className = "";
    td.offsetWidth; // so that the animation starts again
    td.className = `fresh ${nameOf(by).toLowerCase()}`;
  }

  async commit(column) {
    const { input, value } = this.cells[column];
    if (input.value === value) return this.revert();
    const text = input.value;
    const isHour = column === "starts" || column === "ends";
    const isNumber = isHour && /^\s*-?\d{1,15}\s*$/.test(text);
    const written = text === "" ? null : isNumber ? Number(text) : text;
    input.dataset.busy = "yes";
    await this.write({ do: column, value: written }, input);
    delete input.dataset.busy;
  }

  async write(request, input) {
    try {
      await post({ ...request, peer: this.panel.index, id: this.id });
      this.clearError();
    } catch (error) {
      showError(this.error, error.message);
      this.errorRow.hidden = false;
      if (!input) return;
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", this.error.id);
    }
  }

  revert() {
    for (const cell of Object.values(this.cells)) cell.input.value = cell.value;
    this.clearError();
  }

  clearError() {
    this.errorRow.hidden = true;
    this.error.replaceChildren();
    for (const { input } of Object.values(this.cells)) {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
    }
  }

  remove() {
    this.tr.remove();
    this.errorRow.remove();
  }
}

function newId() {
  return Date.now().toString(36) + Math.random().toString(36).slice(2, 6);
}
