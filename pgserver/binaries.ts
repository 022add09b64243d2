/** PostgreSQL's server binaries, from the optional npm packages `postgres<major>-<platform>-<arch>` into a cache folder
 *  that the server's user can enter. One path for everybody: the package may lie in a clone that the server's user
 *  cannot enter, and its install script, which makes the library links, may not have run. The package is never written to.
 *  Two processes may do this at once: each fills its own folder, and the rename decides. */
import { randomUUID } from 'node:crypto'
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
  trusting?: { flavour: string; extensions: readonly string[] }
}

/** Makes the binaries ready for use and says where they are. Safe to repeat and to race.
 *  @throws PostgresServerError BINARIES_MISSING naming the package, FOLDER_UNREACHABLE when the cache cannot be entered. */
export async function ensureBinaries(wanted: BinariesWanted): Promise<PostgresBinaries> {
  const source = locatePackage(wanted.major)
  const suffix = wanted.trusting ? `-${wanted.trusting.flavour}` : ''
  const parent = join(wanted.cacheDir, 'postgres')
  const rootDir = join(parent, `${source.fullVersion}-${process.platform}-${process.arch}${suffix}`)
  ensureEnterable(parent, serverUser())
  if (!existsSync(rootDir)) await install(source.folder, rootDir, wanted.trusting?.extensions ?? [])
  return { major: wanted.major, version: source.version, rootDir, binDir: join(rootDir, 'bin') }
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

async function install(packageFolder: string, rootDir: string, trusted: readonly string[]): Promise<void> {
  const building = `${rootDir}.building-${process.pid}-${randomUUID().slice(0, 8)}`
  try {
    await copyTree(join(packageFolder, 'native'), building)
    await makeLinks(packageFolder, building)
    for (const extension of trusted) await trustExtension(building, extension)
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
