/** The command line as a whole: which commands there are. Each lives in a file of its own. */
import { Command } from 'commander'
import { addBreakGlass } from './break-glass'
import type { CliContext } from './context'
import { addEmbedded } from './embedded'
import { addFailover } from './failover'
import { addFence } from './fence'
import { addFleetCheck } from './fleet/check'
import { addFleetDiscover } from './fleet/discover'
import { addFleetList } from './fleet/list'
import { addLabCalls } from './lab/calls'
import { addLabFault } from './lab/fault'
import { addLabProfile } from './lab/profile'
import { addLabReset } from './lab/reset'
import { addLabStatus } from './lab/status'
import { addMigrate } from './migrate'
import { addMigrationsApply } from './migrations/apply'
import { addMigrationsInfo } from './migrations/info'
import { addMigrationsValidate } from './migrations/validate'
import { addOpsAbort, addOpsApprove, addOpsReject, addOpsResolve } from './ops/decisions'
import { addOpsEvidence } from './ops/evidence'
import { addOpsFences } from './ops/fences'
import { addOpsList } from './ops/list'
import { addOpsOrphans } from './ops/orphans'
import { addOpsShow } from './ops/show'
import { addOpsWatch } from './ops/watch'
import { example } from './options'
import { addRecoverRows } from './recover/rows'
import { addRecoverWhen } from './recover/when'
import { addReplicate } from './replicate'
import { addRestore } from './restore'
import { addSalvage } from './salvage'
import { addSchedules } from './schedule/schedule'
import { addScout } from './scout'
import { addSnapshot } from './snapshot'
import { addStandby } from './standby'
import { addSwitchover } from './switchover'
import { addUpgrade } from './upgrade'
import { addVerify } from './verify'
import { addVerifyBackup } from './verify-backup'

const EXIT_CODES = `
Exit codes: 0 done · 1 a check said no · 2 bad input · 3 refused · 4 unreachable, try again · 5 the world differs from the plan
            6 an operator is needed · 7 rejected or aborted · 8 still waiting for an approval · 70 defect
`

export function createProgram(cli: CliContext): Command {
  const program = new Command('capstan')
    .description('Runs the dangerous operations of PostgreSQL fleets as durable runbooks.')
    .addHelpText('after', EXIT_CODES + example('capstan migrate shop --plan'))
    .exitOverride()
    .configureOutput({
      writeOut: (text) => cli.io.out(text),
      // Usage errors are told by report.ts, like every other failure; only help asked for by mistake is shown.
      writeErr: (text) => cli.io.err(text),
      outputError: () => undefined,
      getOutHelpWidth: () => Math.min(120, cli.io.columns()),
      getErrHelpWidth: () => Math.min(120, cli.io.columns()),
      getOutHasColors: () => cli.io.colour,
      getErrHasColors: () => cli.io.colour,
    })
  addMigrate(program, cli)
  addSnapshot(program, cli)
  addRestore(program, cli)
  addVerifyBackup(program, cli)
  addReplicate(program, cli)
  addStandby(program, cli)
  addSwitchover(program, cli)
  addUpgrade(program, cli)
  addBreakGlass(program, cli)
  addFence(program, cli)
  addFailover(program, cli)
  addSalvage(program, cli)
  addSchedules(program, cli)
  addScout(program, cli)
  addVerify(program, cli)
  const recover = program.command('recover').description('What was lost, out of a copy.')
  for (const add of [addRecoverRows, addRecoverWhen]) add(recover, cli)
  const ops = program.command('ops').description('Operations: list, show, watch, decide, evidence.')
  for (const add of [
    addOpsList,
    addOpsShow,
    addOpsWatch,
    addOpsApprove,
    addOpsReject,
    addOpsAbort,
    addOpsResolve,
    addOpsEvidence,
    addOpsOrphans,
    addOpsFences,
  ]) {
    add(ops, cli)
  }
  const migrations = program.command('migrations').description('The migration engine alone: a URL is enough, no Temporal.')
  for (const add of [addMigrationsInfo, addMigrationsValidate, addMigrationsApply]) add(migrations, cli)
  const fleet = program.command('fleet').description('The fleet file.')
  for (const add of [addFleetList, addFleetCheck, addFleetDiscover]) add(fleet, cli)
  const lab = program.command('lab').description('The simulated clouds.')
  for (const add of [addLabStatus, addLabFault, addLabCalls, addLabProfile, addLabReset]) add(lab, cli)
  addEmbedded(program, cli)
  return program
}
