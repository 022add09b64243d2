import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MIGRATE_STEPS } from '../../contracts/migrate'
import { SNAPSHOT_STEPS } from '../../contracts/snapshot'

test.each([
  ['migrate', MIGRATE_STEPS],
  ['snapshot', SNAPSHOT_STEPS],
])("the %s page's headings are the runbook's steps, in order", (verb, steps) => {
  const page = readFileSync(join(__dirname, `../../docs/runbooks/${verb}.md`), 'utf8')
  const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
  expect(headings).toEqual(Object.values(steps).map(({ title }) => title))
})
