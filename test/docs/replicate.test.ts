import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PREFLIGHT_CHECKS } from '../../contracts/preflight'

test('the page of standbys has every check that is made before one, in the order in which they are told', () => {
  const page = readFileSync(join(__dirname, '../../docs/replicate.md'), 'utf8')
  const [, rest = ''] = page.split('## What is asked before\n')
  const [section = ''] = rest.split('\n## ')
  const rows = [...section.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, check]) => check)
  expect(rows).toEqual(Object.keys(PREFLIGHT_CHECKS))
})
