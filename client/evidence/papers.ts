/** Documents of which the page has no picture of its own, as tables: each value beside the path that leads to it, a list of things as a table with a
 *  row each. Every value is there and as it is: nothing is left out, rounded or explained. */
import { each, type Html, html } from './html'

/** Things that have more than these are told one after the other. */
const COLUMNS_MAX = 8

interface Paper {
  readonly values: (readonly [path: string, text: string])[]
  readonly lists: { readonly path: string; readonly things: readonly object[] }[]
}

export function paperOf(document: unknown): Html {
  const paper: Paper = { values: [], lists: [] }
  gather(document, '', paper)
  return html`${
    paper.values.length > 0 &&
    html`<table class="paper"><tbody>${each(paper.values, ([path, text]) => html`<tr><th scope="row">${path}</th><td>${text}</td></tr>`)}</tbody></table>`
  }${each(paper.lists, ({ path, things }) => html`${path !== '' && html`<h4>${path}</h4>`}${listOf(things)}`)}`
}

function gather(value: unknown, path: string, paper: Paper): void {
  if (typeof value !== 'object' || value === null) paper.values.push([path, shown(value)])
  else if (Array.isArray(value)) gatherList(value, path, paper)
  else if (Object.keys(value).length === 0) paper.values.push([path, shown(value)])
  else for (const [key, inner] of Object.entries(value)) gather(inner, path === '' ? key : `${path}.${key}`, paper)
}

function gatherList(list: readonly unknown[], path: string, paper: Paper): void {
  const things = list.filter((one) => typeof one === 'object' && one !== null && !Array.isArray(one)) as object[]
  if (things.length > 0 && things.length === list.length) paper.lists.push({ path, things })
  else paper.values.push([path, shown(list)])
}

function isPlain(list: readonly unknown[]): boolean {
  return list.length > 0 && list.every((one) => typeof one !== 'object' || one === null)
}

function listOf(things: readonly object[]): Html {
  const columns = [...new Set(things.flatMap((thing) => Object.keys(thing)))]
  if (columns.length > COLUMNS_MAX) return html`${things.map((thing) => paperOf(thing))}`
  const cells = things.map((thing) => new Map<string, unknown>(Object.entries(thing)))
  return html`<div class="wide"><table>
<thead><tr>${each(columns, (column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>${each(cells, (thing) => html`<tr>${each(columns, (column) => html`<td>${thing.has(column) ? shown(thing.get(column)) : ''}</td>`)}</tr>`)}</tbody>
</table></div>`
}

/** Text as it is, also a list of texts; everything else as JSON writes it. */
function shown(value: unknown): string {
  if (Array.isArray(value) && isPlain(value)) return value.map(shown).join(', ')
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}
