import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MIGRATE_STEPS } from '../../contracts/migrate'

test("the migrate page's headings are the runbook's steps, in order", () => {
  const page = readFileSync(join(__dirname, '../../docs/runbooks/migrate.md'), 'utf8')
  const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
  expect(headings).toEqual(Object.values(MIGRATE_STEPS).map(({ title }) => title))
})
