/** PostgreSQL's server binaries, from the optional npm packages `postgres<major>-<platform>-<arch>` into a cache folder
 *  that the server's user can enter. One path for everybody: the package may lie in a clone that the server's user
 *  cannot enter, and its install script, which makes the library links, may not have run. The package is never written to.
 *  Two processes may do this at once: each fills its own folder, and the rename decides. */
import { createHash, randomUUID } from 'node:crypto'
import { constants, existsSync, readFileSync } from 'node:fs'
import { appendFile, chmod, copyFile, mkdir, readdir, readFile, readlink, rename, rm, stat, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { PostgresServerError } from './failure'
import { ensureEnterable } from './reach'
import { serverUser } from './server-user'

export type PostgresMajor = 15 | 17

export interface PostgresBinaries {
  major: PostgresMajor
  /** As the server reports it, for instance '15.18'. */
  version: string
  /** Folder with `initdb`, `pg_ctl` and `postgres`. */
  binDir: string
  /** Folder above `bin`, `lib` and `share`. */
  rootDir: string
}

export interface BinariesWanted {
  major: PostgresMajor
  /** Where copies are kept: `<cacheDir>/postgres/<full version>-<platform>-<arch>`. */
  cacheDir: string
  /** Extensions that a database owner who is no superuser may create, beyond PostgreSQL's own list of trusted ones. Each
   *  distinct `flavour` is a copy of its own, so that nobody else's servers become more permissive. */
  trusting?: Trusting
}

export interface Trusting {
  flavour: string
  extensions: readonly string[]
  /** Of these: whoever creates one may also execute all of its functions, which its script keeps from everybody but superusers. */
  executable?: readonly string[]
}

/** Makes the binaries ready for use and says where they are. Safe to repeat and to race.
 *  @throws PostgresServerError BINARIES_MISSING naming the package, FOLDER_UNREACHABLE when the cache cannot be entered. */
export async function ensureBinaries(wanted: BinariesWanted): Promise<PostgresBinaries> {
  const source = locatePackage(wanted.major)
  const suffix = wanted.trusting ? suffixOf(wanted.trusting) : ''
  const parent = join(wanted.cacheDir, 'postgres')
  const rootDir = join(parent, `${source.fullVersion}-${process.platform}-${process.arch}${suffix}`)
  ensureEnterable(parent, serverUser())
  if (!existsSync(rootDir)) await install(source.folder, rootDir, wanted.trusting)
  return { major: wanted.major, version: source.version, rootDir, binDir: join(rootDir, 'bin') }
}

/** With a digest of what is trusted: a copy that was made for another list is not taken for this one. */
function suffixOf({ flavour, extensions, executable = [] }: Trusting): string {
  return `-${flavour}-${createHash('sha256')
    .update(JSON.stringify([extensions, executable]))
    .digest('hex')
    .slice(0, 8)}`
}

/** The version that the installed package has, for instance '15.18', without making anything ready.
 *  @throws PostgresServerError BINARIES_MISSING naming the package. */
export function packagedVersion(major: PostgresMajor): string {
  return locatePackage(major).version
}

function packageName(major: PostgresMajor): string {
  return `postgres${major}-${process.platform}-${process.arch}`
}

function locatePackage(major: PostgresMajor): { folder: string; fullVersion: string; version: string } {
  const name = packageName(major)
  let entry: string
  try {
    // the package exports its entry alone: its package.json cannot be resolved, only found beside it
    entry = require.resolve(name)
  } catch {
    throw new PostgresServerError(
      'BINARIES_MISSING',
      `PostgreSQL ${major} for ${process.platform} ${process.arch} is not installed: the optional package ${name} is missing. Run npm install without --omit=optional; it exists for linux and darwin on x64 and arm64.`,
    )
  }
  const folder = dirname(dirname(entry))
  const { version: fullVersion } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }
  return { folder, fullVersion, version: fullVersion.split('.').slice(0, 2).join('.') }
}

async function install(packageFolder: string, rootDir: string, trusting: Trusting | undefined): Promise<void> {
  const building = `${rootDir}.building-${process.pid}-${randomUUID().slice(0, 8)}`
  try {
    await copyTree(join(packageFolder, 'native'), building)
    await makeLinks(packageFolder, building)
    for (const extension of trusting?.extensions ?? []) await trustExtension(building, extension)
    for (const extension of trusting?.executable ?? []) await openExtension(building, extension)
    await rename(building, rootDir)
  } catch (error) {
    await rm(building, { recursive: true, force: true })
    // somebody else was first: theirs is as good as ours
    if (!existsSync(rootDir)) throw error
  }
}

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to)
  await chmod(to, 0o755)
  const executable = from.endsWith('/bin')
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name)
    const target = join(to, entry.name)
    if (entry.isDirectory()) await copyTree(source, target)
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target)
    else if (!entry.name.endsWith('.a')) {
      await copyFile(source, target, constants.COPYFILE_FICLONE)
      await chmod(target, executable ? 0o755 : 0o644)
    }
  }
}

/** The library links that an install script would have made; targets and sources are relative to the package. */
async function makeLinks(packageFolder: string, rootDir: string): Promise<void> {
  const list = join(packageFolder, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  for (const link of JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[]) {
    const source = join(rootDir, relative('native', link.source))
    const target = join(rootDir, relative('native', link.target))
    if (existsSync(target)) continue
    await symlink(relative(dirname(target), source), target)
  }
}

async function trustExtension(rootDir: string, extension: string): Promise<void> {
  const control = join(rootDir, 'share', 'postgresql', 'extension', `${extension}.control`)
  if (existsSync(control) && (await stat(control)).isFile()) await appendFile(control, '\ntrusted = true\n')
}

/** The script that ends the creation grants what the others revoked; PostgreSQL puts the creator in place of `@extowner@`. */
async function openExtension(rootDir: string, extension: string): Promise<void> {
  const folder = join(rootDir, 'share', 'postgresql', 'extension')
  const control = join(folder, `${extension}.control`)
  if (!existsSync(control)) return
  const [, version = ''] = /^default_version = '(.+)'/m.exec(await readFile(control, 'utf8')) ?? []
  const last = (await readdir(folder)).filter((name) => name.startsWith(`${extension}--`) && name.endsWith(`--${version}.sql`))
  for (const script of last) await appendFile(join(folder, script), grantsTo(extension))
}

const grantsTo = (extension: string): string => `
DO $grants$
DECLARE one pg_catalog.regprocedure;
BEGIN
  FOR one IN SELECT d.objid FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
              WHERE e.extname = '${extension}' AND d.deptype = 'e' AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
  LOOP
    EXECUTE 'GRANT EXECUTE ON FUNCTION ' || one || ' TO @extowner@';
  END LOOP;
END $grants$;
`
