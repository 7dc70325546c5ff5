// One row of a table: its cells, who wrote each of them, and what is edited.
"use strict";

const COLUMNS = ["title", "room", "starts", "ends"];
const LABELS = { title: "Title", room: "Room", starts: "From", ends: "To" };

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
      const isTyping = cell.input === document.activeElement && cell.input.value !== cell.value;
      const isEdited = isTyping || cell.input.ariaInvalid === "true" || cell.input.dataset.busy;
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
      const said = element("span", "hidden", `${nameOf(by)} wrote this at ${time}`);
      const when = element("span", "", i < 2 ? ` ${time}` : ""); // columns of hours are narrow
      when.setAttribute("aria-hidden", "true");
      cell.who.replaceChildren(badge(by), said, when);
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
