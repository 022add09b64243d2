/** Pages lead where they say, to files that there are, and name nobody's machine. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ROOT } from './examples'

const docs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
const pages = ['README.md', 'CHANGELOG.md', ...docs.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)]
const read = (page: string) => readFileSync(join(ROOT, page), 'utf8')

/** As GitHub makes it from a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\- ]/gu, '')
    .replaceAll(' ', '-')
}

const anchorsOf = (text: string) => [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading))

test.each(pages)('every link of %s leads somewhere', (page) => {
  for (const [, link = ''] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^https:\/\//.test(link)) continue
    const [path = '', anchor] = link.split('#')
    const file = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path)
    expect([link, existsSync(file)]).toEqual([link, true])
    if (anchor !== undefined)
      expect([link, anchorsOf(readFileSync(file, 'utf8'))]).toEqual([link, expect.arrayContaining([anchor])])
  }
})

test.each(pages)('%s names no place of a machine', (page) => {
  expect(read(page)).not.toMatch(/(^|[\s`("'=])\/(work|home|root|tmp|Users|var\/cache)\b/m)
})

/** What looks like a file or a folder of ours. */
function pathsOf(text: string): string[] {
  const found = [...text.matchAll(/`([a-z][\w.-]*(?:\/[\w.-]+)*\/?)`/g)].map(([, path = '']) => path)
  return found.filter((path) => path.includes('/') || existsSync(join(ROOT, path)))
}

test('every place on the map of sources exists, and every room is on it', () => {
  const [, map = ''] = read('docs/ARCHITECTURE.md').split('## Map of sources\n')
  const rows = map.split('\n').filter((line) => line.startsWith('| '))
  const places = rows.flatMap(pathsOf)
  expect(places.length).toBeGreaterThan(50)
  expect(places.filter((place) => !existsSync(join(ROOT, place)))).toEqual([])
  const rooms = [
    'activities',
    'client',
    'clouds',
    'contracts',
    'embedded',
    'infra',
    'lab',
    'ledger',
    'pgserver',
    'postgres',
    'scripts',
    'workers',
    'workflows',
  ]
  for (const room of rooms) expect([room, places.some((place) => place.startsWith(`${room}/`))]).toEqual([room, true])
})

test('the places that CONTRIBUTING names exist', () => {
  // with a placeholder, as far as it goes
  const places = [...read('docs/CONTRIBUTING.md').matchAll(/`((?:[a-z]+\/)+[\w.<>-]*)/g)].map(([, path = '']) =>
    path.replace(/[^/]*<.*$/, ''),
  )
  expect(places.length).toBeGreaterThan(20)
  expect(places.filter((place) => !existsSync(join(ROOT, place)))).toEqual([])
})
