import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FINISH_STEPS, REVERT_STEPS } from '../../contracts/break-glass'
import { EXCHANGE_STEPS } from '../../contracts/exchange'
import { FAILOVER_STEPS } from '../../contracts/failover'
import { FIND_MOMENT_STEPS } from '../../contracts/find-moment'
import { MIGRATE_STEPS } from '../../contracts/migrate'
import { OVERWRITE_STEPS } from '../../contracts/overwrite'
import { REBUILD_STEPS } from '../../contracts/rebuild'
import { RECOVER_ROWS_STEPS } from '../../contracts/recover-rows'
import { REPLACE_STEPS } from '../../contracts/replace'
import { REPLICATE_STEPS } from '../../contracts/replicate'
import { RESTORE_STEPS } from '../../contracts/restore'
import { SALVAGE_STEPS } from '../../contracts/salvage'
import { SNAPSHOT_STEPS } from '../../contracts/snapshot'
import { SWITCHOVER_STEPS } from '../../contracts/switchover'
import { UPGRADE_STEPS } from '../../contracts/upgrade'
import { VERIFY_BACKUP_STEPS } from '../../contracts/verify-backup'

test.each([
  ['migrate', MIGRATE_STEPS],
  ['snapshot', SNAPSHOT_STEPS],
  ['verify-backup', VERIFY_BACKUP_STEPS],
  ['recover-rows', RECOVER_ROWS_STEPS],
  ['find-moment', FIND_MOMENT_STEPS],
  ['switchover', SWITCHOVER_STEPS],
  ['break-glass', { ...FINISH_STEPS, ...REVERT_STEPS }],
  ['failover', FAILOVER_STEPS],
  ['exchange', EXCHANGE_STEPS],
  ['upgrade', UPGRADE_STEPS],
  ['salvage', SALVAGE_STEPS],
])("the %s page's headings are the runbook's steps, in order", (verb, steps) => {
  const page = readFileSync(join(__dirname, `../../docs/runbooks/${verb}.md`), 'utf8')
  const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
  expect(headings).toEqual(Object.values(steps).map(({ title }) => title))
})

test("the restore page's headings are the steps of a copy, of a replacement, and of one in place, in order", () => {
  const page = readFileSync(join(__dirname, '../../docs/runbooks/restore.md'), 'utf8')
  const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
  const titles = [RESTORE_STEPS, REPLACE_STEPS, OVERWRITE_STEPS].flatMap((steps) =>
    Object.values(steps).map(({ title }) => title),
  )
  expect(headings).toEqual(titles)
})

test("the replicate page's first part has the steps of setting one up as its headings, in order", () => {
  const page = readFileSync(join(__dirname, '../../docs/runbooks/replicate.md'), 'utf8')
  const [, setUp = ''] = page.split(/^# /m)
  const headings = [...setUp.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
  expect(headings).toEqual(Object.values(REPLICATE_STEPS).map(({ title }) => title))
})

test("the replicate page's part that rebuilds an old writer has its steps as its headings, in order", () => {
  const page = readFileSync(join(__dirname, '../../docs/runbooks/replicate.md'), 'utf8')
  const part = page.split(/^# /m).find((one) => one.startsWith('Runbook: rebuild an old writer')) ?? ''
  const headings = [...part.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
  expect(headings).toEqual(Object.values(REBUILD_STEPS).map(({ title }) => title))
})
