import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { scaleTo } from '../../client/evidence/bars'
import { escapeText, html } from '../../client/evidence/html'
import { evidencePage } from '../../client/evidence/page'
import { canonicalJson } from '../../contracts/canonical-json'
import { OLD_INSTANCE } from '../../contracts/old-instance'
import type { EvidenceDocument } from '../../ledger/evidence-document'
import type { VerificationRun } from '../../ledger/verifications'
import { evidenceExample, historyExample } from './evidence-example'

const sha256 = (text: string, as: 'hex' | 'base64' = 'hex'): string => createHash('sha256').update(text, 'utf8').digest(as)
const pageOf = (evidence: EvidenceDocument, history: VerificationRun[] = []): string =>
  evidencePage(evidence, sha256(canonicalJson(evidence)), history)

/** Every tag with its attributes' names, and their values where somebody's words have no business to be. Fails where the page is not made of
 *  plain tags with quoted attributes and text between them. */
function skeleton(page: string): string[] {
  const tag = /<(\/?[a-z][a-z0-9]*)((?: [a-zA-Z][a-zA-Z0-9-]*="[^"<>]*")*)\/?>/y
  const found: string[] = []
  let at = page.indexOf('<html')
  while (at < page.length) {
    tag.lastIndex = at
    const [all, name = '', attributes = ''] = tag.exec(page) ?? []
    if (all === undefined) throw new Error(`no tag: ${page.slice(at, at + 80)}`)
    found.push(`${name} ${attributes.replace(/ (aria-label|download|href)="[^"]*"/g, ' $1')}`)
    at += all.length
    if (name === 'style') at = page.indexOf('</style>', at)
    const next = page.indexOf('<', at)
    const text = page.slice(at, next < 0 ? undefined : next)
    if (/>/.test(text)) throw new Error(`a bare bracket: ${text}`)
    at += text.length
  }
  return found
}

const HOSTILE = [
  '</title><script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '`onload=alert(1)',
  '</style><style>*{background:url(http://x.test)}</style>',
  '<!-- ',
  ']]>',
  '&lt;script&gt;&#x3c;',
  'a\u0000b\u0008\u001b[31m',
  '\u202egnp.sql\u202c',
  '\ud800',
  '__proto__',
  'javascript:alert(1)',
  '"; DROP TABLE orders; --',
  '{{7*7}}',
]

describe('the page of evidence', () => {
  test('whatever names, statements and words hold, the page is made of the same tags and attributes', () => {
    const plain = skeleton(pageOf(evidenceExample('x'), historyExample('x')))
    expect(plain.length).toBeGreaterThan(200)
    const texts = fc.oneof(
      fc.constantFrom(...HOSTILE),
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.array(fc.constantFrom('<', '>', '"', "'", '&', '/', '=', ' ', 'script', '-->', '\n')).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(texts, (text) => {
        expect(skeleton(pageOf(evidenceExample(`${text}x`), historyExample(`${text}x`)))).toEqual(plain)
      }),
      { numRuns: 150, examples: HOSTILE.map((text) => [text]) },
    )
  })

  test('what does not show itself is spelled out', () => {
    expect(escapeText('V1__\u202egnp.sql')).toBe('V1__\\u{202e}gnp.sql')
    expect(escapeText('a\u0000b\ud800')).toBe('a\\u{0}b\\u{d800}')
    expect(escapeText('😀 ü\n\t')).toBe('😀 ü\n\t')
    expect(html`<p>${'<b>'}${[1, null, false, html`<i>${'&'}</i>`]}</p>`.text).toBe('<p>&lt;b&gt;1<i>&amp;</i></p>')
  })

  test('it loads nothing and runs nothing, and its own policy says so', () => {
    const page = pageOf(evidenceExample('x'), historyExample('x'))
    expect(page).not.toMatch(/<(script|iframe|img|link|object|embed|form|base|audio|video)\b/)
    expect(page).not.toMatch(/\s(src|srcset|style|on[a-z]+|action|background|poster|xlink:href)="/)
    expect(page).not.toMatch(/https?:|url\(|@import/)
    expect([...page.matchAll(/href="([^"]{0,22})/g)].map(([, start]) => start)).toEqual(['data:application/json;'])
    const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(page) ?? []
    expect(page).toContain(
      `content="default-src 'none'; style-src 'sha256-${sha256(style, 'base64')}'; base-uri 'none'; form-action 'none'"`,
    )
  })

  test('it carries the document that its digest was taken over', () => {
    const evidence = evidenceExample('ü "<\u202e')
    const page = pageOf(evidence)
    const [, carried = ''] = /href="data:application\/json;base64,([^"]+)"/.exec(page) ?? []
    const text = Buffer.from(carried, 'base64').toString('utf8')
    expect(JSON.parse(text)).toEqual(evidence)
    expect(page).toContain(`${sha256(text)}  migrate-shop-abc234.evidence.json`)
    expect(pageOf(evidence)).toBe(page)
  })

  test('it tells who asked and who approved, what was over the limits, each step, lock, check and statement', () => {
    const text = pageOf(evidenceExample('orders'))
      .replace(/<style>[\s\S]*<\/style>/, '')
      .replace(/<[^>]*>/g, ' ')
      .replace(/\s+/g, ' ')
    for (const said of [
      'FAIL',
      'Approval approved by orders',
      'Longest write block 2.1 s of 500 ms allowed · over',
      'Most rows rewritten 300,214 of 10,000 allowed · over',
      'Write-ahead log 8.9 MB of 1 GiB allowed',
      '4 steps, drawn to scale. 1 step took more than one attempt',
      'Apply: done, 45.0 s, from 5.0 s after the start',
      'Canary: could not be undone',
      'public.orders V1__orders.sql:3 orders',
      '2.1 s over the limit ACCESS EXCLUSIVE about 210 writes would have waited, at 100 a second',
      'SHARE about 4 writes',
      '≈ 12 ms ROW EXCLUSIVE',
      '1 of 2 checks held',
      '✗ 7 rows',
      '✓ equal',
      'V1__orders.sql orders applied',
      '300,214 rows of public.orders',
      'not removed when this was written',
      'of another kind',
    ]) {
      expect(text).toContain(said)
    }
  })

  test('papers that it has no picture of are tables in which no value is missing', () => {
    const wide = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`k${at}`, `v${at}`]))
    const paper = {
      ...{ point: { at: 'then', latest: null }, empty: [], none: {}, names: ['a', 'b'], pairs: [['x'], ['y']], done: false },
      ...{
        tables: [
          { table: 'public.a', rows: 3 },
          { table: 'public.b', sample: { n: 1 } },
        ],
        parts: [wide],
      },
    }
    const { documents, ...whole } = evidenceExample('x')
    const page = pageOf({ ...whole, documents: { ...documents, ...{ result: paper } } })
    const rows = [...page.matchAll(/<tr>(.*?)<\/tr>/g)].map(([, row = '']) =>
      [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/g)].map(([, cell]) => cell).join(' | '),
    )
    for (const row of ['point.at | then', 'point.latest | null', 'empty | []', 'none | {}', 'names | a, b', 'done | false']) {
      expect(rows).toContain(row)
    }
    for (const row of ['table | rows | sample.n', 'public.a | 3 | ', 'public.b |  | 1', 'k8 | v8']) {
      expect(rows).toContain(row)
    }
    expect(rows).toContain('pairs | [[&quot;x&quot;],[&quot;y&quot;]]')
  })

  test('damage that was not noticed and what rungs found are told on the ladder', () => {
    const { documents, ...whole } = evidenceExample('x')
    const [run] = historyExample('x')
    const verification = run?.verification
    if (verification == null) throw new Error('the example has none')
    const finding = { rule: 'integrity:heap', message: 'damaged' }
    const rung = { id: 'intact', outcome: 'fail', findings: [finding], summary: 'read', durationMs: 1, promised: true } as const
    const control = { rung: 'content', outcome: 'missed', summary: 'L4: a row deleted: missed' } as const
    const page = pageOf({
      ...whole,
      documents: { ...documents, verification: { ...verification, ladder: [rung], controls: [control] } },
    })
    expect(page).toContain('<td>read<small class="bad">1 finding, above</small></td>')
    expect(page).toContain('<li><span class="bad">✗</span> L4: a row deleted: missed</li>')
  })

  test('an approval is told as missing only where somebody was to give it', () => {
    const { request, operation, ...whole } = evidenceExample('x')
    if (request === undefined) throw new Error('the example has none')
    const told = (kind: typeof operation.kind): string =>
      /<dt>Approval<\/dt><dd>(.*?)<\/dd>/.exec(
        pageOf({ ...whole, request, operation: { ...operation, kind, steps: [] } }),
      )?.[1] ?? ''
    expect(told('migrate')).toBe('required, not asked for: the operation ended before')
    expect(told('verify-backup')).toBe('not asked for')
  })

  test('an operation that came to nothing has a page too', () => {
    const { request, resources, ...whole } = evidenceExample('x')
    const page = pageOf({ ...whole, resources: [], documents: {}, operation: { ...whole.operation, steps: [], verdict: null } })
    expect(skeleton(page).length).toBeGreaterThan(20)
    expect(page).toContain('FAILED')
    expect(page).not.toMatch(/Locks|Statements|Checks/)
    const old = resources.map((made) => ({ ...made, kind: OLD_INSTANCE }))
    expect(pageOf({ ...whole, resources })).toContain('Made in the cloud')
    expect(pageOf({ ...whole, resources: old })).not.toContain('Made in the cloud')
  })
})

test('a scale ends at or after the longest, on a whole number of ticks', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e12, noNaN: true }), (longest) => {
      const { endMs, ticksMs } = scaleTo(longest)
      expect(endMs).toBeGreaterThanOrEqual(longest * (1 - 1e-9))
      expect(ticksMs.length).toBeGreaterThanOrEqual(2)
      expect(ticksMs.length).toBeLessThanOrEqual(7)
      expect(ticksMs.at(-1)).toBeCloseTo(endMs, 3)
    }),
  )
})
