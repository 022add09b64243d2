/** `capstan verify-backup`. What only the cloud knows is refused by workers: test/e2e/verify-backup.test.ts. */
import type { FailureCode } from '../../../contracts/failures'
import type { BadInput } from '../support/bad-input'

function asked(title: string, names: string, args: readonly string[], code: FailureCode = 'OPTION_INVALID'): BadInput {
  return {
    title,
    exit: 2,
    code,
    names,
    given: (world) => ({ args: ['verify-backup', ...args], env: { CAPSTAN_FLEET: world.fleet() } }),
  }
}

export const VERIFY_BACKUPS: readonly BadInput[] = [
  asked('no database', 'database', []),
  asked('a mistyped database', 'did you mean shop?', ['shpo'], 'DATABASE_UNKNOWN'),
  asked('a moment that is yet to come', 'before now', ['shop', '--at', '2999-01-01T00:00:00Z']),
  asked('a moment without its zone', '--at', ['shop', '--at', '2026-11-23 03:00']),
  asked('a moment within a second', '--at', ['shop', '--at', '2026-11-23T03:00:00.250Z']),
  asked('the thirtieth of February', '--at', ['shop', '--at', '2026-02-30T03:00Z']),
  asked('a moment and a random one', '--random', ['shop', '--at', 'now', '--random']),
  asked('a snapshot and a moment', '--snapshot', ['shop', '--snapshot', 'nightly', '--at', 'now']),
  asked('a region and no snapshot', '--snapshot', ['shop', '--region', 'eu-west-1']),
  asked('a region and a moment', '--region', ['shop', '--snapshot', 'nightly', '--region', 'eu-west-1', '--by-turns']),
  asked('a region that nothing is copied to', 'copied nowhere', ['shop', '--snapshot', 'nightly', '--region', 'eu-west-1']),
  asked('a limit of no time', '--within', ['shop', '--within', '0s']),
  asked('a limit without its unit', '--within', ['shop', '--within', '60']),
  asked('by turns and at random', '--random', ['shop', '--by-turns', '--random']),
  { ...asked('the metrics of one database', '--prometheus', ['shop', '--prometheus']), once: true },
  { ...asked('metrics and a document', '--json', ['--all', '--report', '--prometheus', '--json']), machine: true },
  asked('all, and an id', '--operation', ['--all', '--operation', 'mine']),
  { ...asked('metrics and no report', '--report', ['--all', '--prometheus']), once: true },
  { ...asked('a page and no report', '--report', ['--all', '--html', 'page.html']), once: true },
  { ...asked('the page of one database', '--html', ['shop', '--html', 'page.html']), once: true },
  asked('all, and nobody waits', '--no-wait', ['--all', '--no-wait']),
  asked('a plan of the report', '--plan', ['--all', '--report', '--plan']),
  asked('the report of one database', '--report', ['shop', '--report']),
  asked('all, and one database', '--all', ['shop', '--all', '--report']),
  {
    title: 'an objective without its unit',
    exit: 2,
    code: 'FLEET_FILE_INVALID',
    names: 'rpo',
    given: (world) => ({
      args: ['verify-backup', 'shop'],
      env: { CAPSTAN_FLEET: world.fleet((text) => text.replace('    canary:', '    objectives: { rpo: 5 }\n    canary:')) },
    }),
  },
  ...(
    [
      ['a login of the master', 'logins[0].user', '{ logins: [{ user: boss, secret: env:APP }] }'],
      ['a login with its password', 'logins[0].secret', '{ logins: [{ user: shop_app, secret: hunter2 }] }'],
      ['a login twice', 'logins[1].user', '{ logins: [{ user: app, secret: env:A }, { user: app, secret: env:B }] }'],
      ['a word that is no word', 'neverActs', '{ neverActs: sometimes }'],
    ] as const
  ).map(
    ([title, names, verification]): BadInput => ({
      title,
      exit: 2,
      code: 'FLEET_FILE_INVALID',
      names,
      given: (world) => ({
        args: ['verify-backup', 'shop'],
        env: {
          CAPSTAN_FLEET: world.fleet((text) => text.replace('    canary:', `    verification: ${verification}\n    canary:`)),
        },
      }),
    }),
  ),
  {
    title: 'a manifest that is read for an hour',
    exit: 2,
    code: 'FLEET_FILE_INVALID',
    names: 'maxMinutes',
    given: (world) => ({
      args: ['verify-backup', 'shop'],
      env: { CAPSTAN_FLEET: world.fleet((text) => text.replace('    canary:', '    manifest: { maxMinutes: 60 }\n    canary:')) },
    }),
  },
  {
    title: 'a verification of a year',
    exit: 2,
    code: 'FLEET_FILE_INVALID',
    names: 'maxHours',
    given: (world) => ({
      args: ['verify-backup', 'shop'],
      env: {
        CAPSTAN_FLEET: world.fleet((text) => text.replace('    canary:', '    verification: { maxHours: 8760 }\n    canary:')),
      },
    }),
  },
]
