/** The migrations folder: names, links and what else a repository may hold. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FailureCode } from '../../../contracts/failures'
import type { BadInput } from '../support/bad-input'
import type { World } from '../support/world'

type Files = Readonly<Record<string, string | Buffer>>

function folder(
  title: string,
  code: FailureCode,
  names: string,
  files: Files | ((path: string, world: World) => void),
): BadInput {
  return {
    title,
    exit: 2,
    code,
    names,
    given(world) {
      const fleet = world.fleet()
      const path = world.migrations(typeof files === 'function' ? {} : files)
      if (typeof files === 'function') files(path, world)
      return {
        args: ['migrate', 'shop', '--fleet', fleet],
        env: { TEMPORAL_ADDRESS: world.temporal, CAPSTAN_LEDGER_URL: world.ledgerUrl },
      }
    },
  }
}

const sql = 'SELECT 2;\n'
const NASTY = `V2__'; DROP TABLE x; --".sql`
const name = (file: string, title: string, names = file) => folder(title, 'MIGRATION_NAME_INVALID', names, { [file]: sql })
const unsupported = (title: string, names: string, files: Parameters<typeof folder>[3]) =>
  folder(title, 'MIGRATION_UNSUPPORTED', names, files)

export const MIGRATION_FILES: readonly BadInput[] = [
  folder('one version twice', 'MIGRATION_VERSION_DUPLICATE', 'V1__b.sql', { 'V1__b.sql': sql }),
  folder('one version with zeros before it', 'MIGRATION_VERSION_DUPLICATE', 'V01__b.sql', { 'V01__b.sql': sql }),
  folder('one version with a zero behind it', 'MIGRATION_VERSION_DUPLICATE', 'V1_0__b.sql', { 'V1_0__b.sql': sql }),
  folder('one description twice', 'MIGRATION_DESCRIPTION_DUPLICATE', 'sub/R__views.sql', (path) => {
    mkdirSync(join(path, 'sub'))
    for (const file of ['R__views.sql', 'sub/R__views.sql']) writeFileSync(join(path, file), sql)
  }),
  name('V2_add_status.sql', 'one underscore'),
  name('v2__add_status.sql', 'a small v'),
  name('V__add_status.sql', 'no version'),
  name('Vtwo__add_status.sql', 'a version in words'),
  name('V2.__add_status.sql', 'a version that ends with a dot'),
  name('V٢__add_status.sql', 'a version in Arabic digits'),
  name('V2__add_status.sql ', 'a blank behind the name', 'V2__add_status.sql'),
  name('R1__views.sql', 'a repeatable with a version'),
  name(`V${'1'.repeat(51)}__x.sql`, 'a version of 51 digits', '50'),
  name('V2__a\nb.sql', 'a name of two lines', '\\u{a}'),
  name('V2__\u001b[2J\u001b[31mred.sql', 'a name that clears the terminal', '\\u{1b}'),
  name('V2__\u202Elqs.exe.sql', 'a name that turns the reading direction', '\\u{202e}'),
  name('V2__a\u200Bb.sql', 'a name with an invisible character', '\\u{200b}'),
  {
    ...folder('a broken file with quotes and semicolons in its name', 'MIGRATION_SYNTAX_ERROR', `${NASTY}:1`, {
      [NASTY]: 'SELEC 1;',
    }),
    quoted: true,
  },
  unsupported('a baseline', 'B2__base.sql', { 'B2__base.sql': sql }),
  unsupported('a callback', 'beforeMigrate.sql', { 'beforeMigrate.sql': sql }),
  unsupported('a script configuration', 'V1__a.sql.conf', { 'V1__a.sql.conf': 'executeInTransaction=false\n' }),
  unsupported('a folder named like a migration', 'V2__folder.sql', (path) => mkdirSync(join(path, 'V2__folder.sql'))),
  unsupported('a pipe', 'V2__pipe.sql', (path) => execFileSync('mkfifo', [join(path, 'V2__pipe.sql')])),
  unsupported('a link out of the folder', 'V2__link.sql', (path, world) =>
    symlinkSync(world.file('secret.txt', 'x'), join(path, 'V2__link.sql')),
  ),
  unsupported('a link that leads nowhere', 'V2__link.sql', (path) => symlinkSync('gone.sql', join(path, 'V2__link.sql'))),
  unsupported('a link to itself', 'V2__link.sql', (path) => symlinkSync('V2__link.sql', join(path, 'V2__link.sql'))),
  unsupported('a link to a folder outside', 'more', (path, { folder: outside }) => symlinkSync(outside, join(path, 'more'))),
  unsupported('a file that is not UTF-8', 'V2__latin.sql', { 'V2__latin.sql': Buffer.from("SELECT 'caf\xe9';\n", 'latin1') }),
  unsupported('a file in UTF-16', 'V2__wide.sql', { 'V2__wide.sql': Buffer.from('\ufeffSELECT 2;\n', 'utf16le') }),
]
