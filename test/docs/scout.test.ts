import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SCOUT_CHECKS } from '../../contracts/scout'

test("the scout page's table has every check, in the order in which they are told", () => {
  const page = readFileSync(join(__dirname, '../../docs/scout.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, check]) => check)
  expect(rows).toEqual(Object.keys(SCOUT_CHECKS))
})
