/** Documents of which the page has no picture of its own, as tables: each value beside the path that leads to it, a list of things as a table with a
 *  row each. Every value is there and as it is: nothing is left out, rounded or explained. */
import { each, type Html, html } from './html'

/** Things that have more values than these are told one after the other. */
const COLUMNS_MAX = 8

type Thing = Readonly<Record<string, unknown>>
type Value = readonly [path: string, value: unknown]

export function paperOf(document: unknown, path = ''): Html {
  const all: readonly Value[] = isThing(document) ? valuesOf(document) : [[path, document]]
  const lists = all.flatMap(([at, value]) => (isListOfThings(value) ? [{ at, things: value }] : []))
  const values = all.filter(([, value]) => !isListOfThings(value))
  return html`${
    values.length > 0 &&
    html`<table class="paper"><tbody>${each(values, ([at, value]) => html`<tr><th scope="row">${at}</th><td>${shown(value)}</td></tr>`)}</tbody></table>`
  }${each(lists, ({ at, things }) => listOf(things, at))}`
}

function listOf(things: readonly Thing[], path: string): Html {
  const rows = things.map((thing) => new Map(valuesOf(thing)))
  const columns = [...new Set(rows.flatMap((row) => [...row.keys()]))]
  if (columns.length > COLUMNS_MAX)
    return each(things, (thing, at) => html`<h4>${path}, ${at + 1} of ${things.length}</h4>${paperOf(thing)}`)
  return html`<h4>${path}</h4><div class="wide"><table>
<thead><tr>${each(columns, (column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>${each(rows, (row) => html`<tr>${each(columns, (column) => html`<td>${row.has(column) ? shown(row.get(column)) : ''}</td>`)}</tr>`)}</tbody>
</table></div>`
}

/** Those of things within it too, by their path. */
function valuesOf(thing: Thing, path = ''): Value[] {
  return Object.entries(thing).flatMap(([key, value]): Value[] => {
    const at = path === '' ? key : `${path}.${key}`
    return isThing(value) && Object.keys(value).length > 0 ? valuesOf(value, at) : [[at, value]]
  })
}

function isThing(value: unknown): value is Thing {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isListOfThings(value: unknown): value is readonly Thing[] {
  return Array.isArray(value) && value.length > 0 && value.every(isThing)
}

/** Text as it is, also a list of texts; everything else as JSON writes it. */
function shown(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one !== 'object' || one === null)) {
    return value.map(shown).join(', ')
  }
  return JSON.stringify(value) ?? ''
}
