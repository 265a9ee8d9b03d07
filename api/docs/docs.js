// Shows /openapi.json. Nothing is fetched from anywhere else, and nothing of the document is ever
// used as HTML: every node is made here.
"use strict";

const $ = (id) => document.getElementById(id);

// h makes an element: h("a", {href: "#x"}, "text", node, [more nodes]).
function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((c) => c !== undefined && c !== null && c !== ""));
  return node;
}

// prose turns `code` and blank lines into elements.
function prose(text) {
  return (text || "").split("\n\n").filter(Boolean).map((paragraph) =>
    h("p", {}, paragraph.split("`").map((part, i) => (i % 2 ? h("code", {}, part) : part))));
}

const methods = ["get", "post", "put", "patch", "delete"];

class Docs {
  constructor(doc) {
    this.doc = doc;
    this.operations = Object.entries(doc.paths).flatMap(([path, item]) =>
      methods.filter((m) => item[m]).map((method) => ({ path, method, ...item[method] })));
  }

  resolve(schema) {
    if (!schema || !schema.$ref) return schema || {};
    const target = this.doc.components.schemas[schema.$ref.split("/").pop()] || {};
    return { ...target, ...schema, name: schema.$ref.split("/").pop() };
  }

  // type is a schema in a few words.
  type(schema) {
    const s = this.resolve(schema);
    if (s.type === undefined) return s.properties ? s.name || "object" : "any";
    const types = [].concat(s.type).map((t) => {
      if (t === "array") return "list of " + this.type(s.items);
      if (t === "object") return s.name || (s.additionalProperties ? "map of " + this.type(s.additionalProperties) : "object");
      return t;
    });
    return types.join(" or ") + (s.format && s.format !== "int64" && s.format !== "double" ? ", " + s.format : "");
  }

  // limits is what a value must look like.
  limits(schema) {
    const s = this.resolve(schema);
    const parts = [];
    if (s.enum || (s.items && s.items.enum)) parts.push("one of: " + (s.enum || s.items.enum).join(", "));
    if (s.pattern) parts.push("matches " + s.pattern);
    if (s.minimum !== undefined || s.maximum !== undefined) parts.push("from " + (s.minimum ?? "…") + " to " + (s.maximum ?? "…"));
    if (s.maxLength !== undefined) parts.push("up to " + s.maxLength + " characters");
    if (s.maxItems !== undefined) parts.push("up to " + s.maxItems);
    if (s.default !== undefined) parts.push("default: " + JSON.stringify(s.default));
    return parts.join(" · ");
  }

  row(name, schema, required, where) {
    const limits = this.limits(schema);
    return h("div", {},
      h("dt", {}, h("code", {}, name), h("span", {}, this.type(schema) + (where ? " · " + where : "")), required ? h("span", { class: "must" }, "required") : ""),
      h("dd", {}, prose(schema.description || this.resolve(schema).description), limits ? h("p", { class: "soft" }, limits) : "", this.parts(schema)));
  }

  // parts is what is inside a schema, folded.
  parts(schema) {
    let inner = this.resolve(schema);
    if (inner.items) inner = this.resolve(inner.items);
    return inner.properties ? h("details", {}, h("summary", {}, "Fields of " + (inner.name || "it")), this.fields(inner)) : "";
  }

  fields(schema) {
    const s = this.resolve(schema);
    return h("dl", {}, this.order(s).map((name) => this.row(name, s.properties[name], (s.required || []).includes(name))));
  }

  // order is the names of the fields: the required ones as the document has them, then the others.
  order(s) {
    const required = s.required || [];
    return [...required, ...Object.keys(s.properties || {}).filter((name) => !required.includes(name))];
  }

  body(schema) {
    const s = this.resolve(schema);
    return s.properties ? this.fields(s) : h("dl", {}, this.row(this.type(s), s, false));
  }

  // example makes up a value from the examples of the fields.
  example(schema, depth = 0) {
    const s = this.resolve(schema);
    if (s.examples) return s.examples[0];
    if (s.default !== undefined) return s.default;
    if (s.enum) return s.enum[0];
    const type = [].concat(s.type || "any");
    if (s.properties) {
      if (depth > 5) return {};
      return Object.fromEntries(this.order(s).map((name) => [name, this.example(s.properties[name], depth + 1)]));
    }
    if (type.includes("null")) return null;
    if (type[0] === "array") return depth > 5 ? [] : [this.example(s.items, depth + 1)];
    if (type[0] === "object") return {};
    if (type[0] === "integer" || type[0] === "number") return s.minimum ?? 0;
    if (type[0] === "boolean") return false;
    if (s.format === "date-time") return "2026-11-25T09:30:00.000Z";
    return type[0] === "string" ? "…" : {};
  }

  curl(op) {
    const json = op.requestBody && op.requestBody.content["application/json"];
    const path = op.path.replace(/{(\w+)}/g, (_, name) => (op.path.includes("tenants") ? "acme" : op.path.includes("event-types") ? "invoice.paid" : `$${name.toUpperCase()}`));
    const lines = [`curl ${op.method === "get" ? "" : "-X " + op.method.toUpperCase() + " "}"${location.origin}${path}"`];
    if (op.security) lines.push('-H "Authorization: Bearer $KEY"');
    if (json) {
      lines.push('-H "Content-Type: application/json"');
      if (op.requestBody.required) lines.push("-d '" + JSON.stringify(this.sent(json.schema)).replaceAll("'", "'\\''") + "'");
    }
    return lines.join(" \\\n  ");
  }

  // sent is an example without what the caller had better leave out.
  sent(schema) {
    const value = this.example(schema);
    for (const one of [].concat(value)) {
      if (one && typeof one === "object") ["id", "tenant", "secret", "headers"].forEach((name) => delete one[name]);
    }
    return value;
  }

  article(op) {
    const [success, ...others] = Object.entries(op.responses).sort();
    const content = Object.values(success[1].content || {})[0];
    const bodies = Object.entries((op.requestBody || {}).content || {});
    return h("article", { id: op.operationId },
      h("header", {}, h("h3", {}, op.summary),
        h("div", { class: "path" }, h("span", { class: "method " + op.method }, op.method.toUpperCase()), " " + op.path),
        prose(op.description)),
      h("section", {},
        op.parameters ? [h("h4", {}, "Parameters"), h("dl", {}, op.parameters.map((p) =>
          this.row(p.name, { ...p.schema, description: p.description }, p.required, p.in)))] : "",
        bodies.length ? [h("h4", {}, "Body · " + bodies.map(([type]) => type).join(", ") + (op.requestBody.required ? "" : " · optional")), this.body(bodies[0][1].schema)] : "",
        h("h4", {}, "Answer · " + success[0] + " " + success[1].description),
        content && content.schema ? h("details", {}, h("summary", {}, "Fields"), this.body(content.schema)) : h("p", { class: "soft" }, "No body."),
        h("h4", {}, "Otherwise"),
        h("ul", { class: "codes" }, others.map(([code, r]) => h("li", {}, h("span", { class: "status s" + code[0] }, code), " " + r.description)))),
      h("section", {},
        h("h4", {}, "Request"), sample(this.curl(op)),
        content && content.schema ? [h("h4", {}, "Answer"), sample(JSON.stringify(this.example(content.schema), null, 2), true)] : ""));
  }

  show() {
    const { info, tags } = this.doc;
    $("version").textContent = info.version;
    document.title = info.title + " API";
    $("status").remove();
    $("top").append(h("h1", {}, info.title + " API"), ...prose(info.description),
      h("p", {}, h("a", { href: "/openapi.json" }, "openapi.json"), " · ", h("a", { href: "/openapi.yaml" }, "openapi.yaml"),
        " · OpenAPI " + this.doc.openapi));
    for (const tag of tags) {
      const operations = this.operations.filter((op) => op.tags.includes(tag.name))
        .sort((a, b) => a.path.localeCompare(b.path) || methods.indexOf(a.method) - methods.indexOf(b.method));
      $("menu").append(h("section", {}, h("h2", {}, tag.name), operations.map((op) =>
        h("a", { class: "to", href: "#" + op.operationId, title: op.method.toUpperCase() + " " + op.path },
          h("span", { class: "method " + op.method }, op.method === "delete" ? "DEL" : op.method.toUpperCase()), op.summary))));
      $("top").append(h("h2", { id: "tag-" + tag.name }, tag.name.replace("-", " ")), ...prose(tag.description), ...operations.map((op) => this.article(op)));
    }
    if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView({ behavior: "instant" });
  }
}

// sample is code with a button that copies it.
function sample(text, json) {
  const button = h("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1200);
  });
  return h("div", { class: "sample" }, button, h("pre", {}, h("code", {}, json ? coloured(text) : text)));
}

// coloured marks the parts of JSON.
function coloured(text) {
  const nodes = [];
  let end = 0;
  for (const m of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|\b(?:true|false|null)\b|-?\d[\d.e+-]*/g)) {
    nodes.push(text.slice(end, m.index));
    const kind = m[1] !== undefined ? "key" : m[0][0] === '"' ? "str" : "lit";
    nodes.push(h("span", { class: kind }, m[1] !== undefined ? m[0].slice(0, -m[1].length) : m[0]), m[1] || "");
    end = m.index + m[0].length;
  }
  return [...nodes, text.slice(end)];
}

// follow filters the menu and marks where the reader is.
function follow() {
  $("filter").addEventListener("input", (e) => {
    const wanted = e.target.value.toLowerCase();
    for (const section of $("menu").children) {
      let any = false;
      for (const link of section.querySelectorAll("a")) {
        link.hidden = !(link.textContent + link.title).toLowerCase().includes(wanted);
        link.style.display = link.hidden ? "none" : "";
        any ||= !link.hidden;
      }
      section.hidden = !any;
    }
  });
  document.addEventListener("keydown", (e) => {
    if (e.key === "/" && document.activeElement !== $("filter")) {
      e.preventDefault();
      $("filter").focus();
    }
  });
  const links = Object.fromEntries([...document.querySelectorAll("nav a.to")].map((a) => [a.hash.slice(1), a]));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) links[entry.target.id]?.classList.toggle("here", entry.isIntersecting);
  }, { rootMargin: "-10% 0px -70% 0px" });
  document.querySelectorAll("article").forEach((a) => seen.observe(a));
}

fetch("/openapi.json")
  .then((response) => response.json())
  .then((doc) => { new Docs(doc).show(); follow(); })
  .catch((error) => { $("status").textContent = "/openapi.json cannot be shown: " + error; });
