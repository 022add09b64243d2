/** The image as infra/Dockerfile puts it together, as a folder: its COPYs, with only those packages that `npm ci --omit=dev` installs. A
 *  program that needs anything else fails in it. */
import { copyFileSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { ROOT } from './compose'
import { copies } from './dockerfile'

/** Fills `folder`, which is there and empty. Needs a compiled clone. */
export function assembleImage(folder: string): void {
  for (const { from, sources, target } of copies('')) {
    if (target === 'node_modules') copyPackages(folder)
    else if (from !== null) copyTree(join(ROOT, basename(target)), join(folder, target))
    else for (const source of sources) copyTree(join(ROOT, source), placeOf(folder, target, source))
  }
}

/** `COPY a b ./` keeps names, `COPY a b` renames. */
function placeOf(folder: string, target: string, source: string): string {
  return target === './' ? join(folder, source) : join(folder, target)
}

/** As the `dependencies` stage leaves them. */
function copyPackages(folder: string): void {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>
  }
  const left = /^node_modules\/postgres\d+-/
  const installed = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && !dev && !left.test(path))
  for (const [path] of installed) copyTree(join(ROOT, path), join(folder, path), (name) => name === 'node_modules')
}

/** Links instead of copies where the file system allows it. What is not there (an optional package of another system) is passed over. */
function copyTree(from: string, to: string, leaveOut: (name: string) => boolean = () => false): void {
  const stats = lstatSync(from, { throwIfNoEntry: false })
  if (stats === undefined) return
  if (!stats.isDirectory()) {
    mkdirSync(dirname(to), { recursive: true })
    if (stats.isSymbolicLink()) symlinkSync(readlinkSync(from), to)
    else linkOrCopy(from, to)
    return
  }
  mkdirSync(to, { recursive: true, mode: 0o755 })
  for (const name of readdirSync(from)) if (!leaveOut(name)) copyTree(join(from, name), join(to, name))
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch {
    copyFileSync(from, to)
  }
}
