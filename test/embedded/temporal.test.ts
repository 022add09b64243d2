import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { cachedCli, findTemporal, type TemporalSearch } from '../../embedded/temporal/find'
import { folder, removeFolders } from './support'

afterAll(removeFolders)

/** A script that says what it was called with, in a new folder. */
function program(name: string, script: string): { dir: string; path: string } {
  const dir = folder()
  const path = join(dir, name)
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return { dir, path }
}

function cached(cacheDir: string): string {
  const path = cachedCli(cacheDir)
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o755 })
  writeFileSync(path, '', { mode: 0o755 })
  return path
}

const temporal = () => program('temporal', 'echo "temporal version 1.5.1"')
/** Writes what `go install` would leave in GOBIN, slowly, and counts its runs. */
const go = (log: string) =>
  program('go', `echo "$@" >> ${log}; sleep 0.2; printf '#!/bin/sh\\necho temporal version' > "$GOBIN/temporal"`)

function search(over: Partial<TemporalSearch> = {}): TemporalSearch {
  return {
    address: null,
    cli: null,
    searchPath: [],
    cacheDir: folder(),
    // A port where nobody listens: refused at once.
    downloadHost: 'http://127.0.0.1:1',
    answerTimeoutMs: 30_000,
    environment: { PATH: '/usr/bin:/bin' },
    progress: () => undefined,
    ...over,
  }
}

test('a server of the user’s own comes before every binary', async () => {
  const { dir, path } = temporal()
  const found = await findTemporal(search({ address: 'temporal:7233', cli: path, searchPath: [dir] }))
  expect(found).toEqual({ kind: 'server', address: 'temporal:7233' })
})

test('the configured binary comes before the one on PATH, and that before the cache', async () => {
  const [configured, onPath] = [temporal(), temporal()]
  const cacheDir = folder()
  cached(cacheDir)
  const all = search({ cli: configured.path, searchPath: [onPath.dir], cacheDir })
  expect(await findTemporal(all)).toMatchObject({ path: configured.path, origin: 'configured' })
  expect(await findTemporal({ ...all, cli: null })).toMatchObject({ path: onPath.path, origin: 'path' })
  expect(await findTemporal({ ...all, cli: null, searchPath: [] })).toMatchObject({ path: cachedCli(cacheDir), origin: 'cache' })
})

test('a configured binary that is none is bad input, not a reason to look elsewhere', async () => {
  await expect(findTemporal(search({ cli: '/nowhere/temporal' }))).rejects.toMatchObject({ code: 'OPTION_INVALID' })
})

test('a program that happens to be called temporal is passed over', async () => {
  const impostor = program('temporal', 'echo "time keeper 3.1"')
  const real = temporal()
  expect(await findTemporal(search({ searchPath: [impostor.dir, real.dir] }))).toMatchObject({ path: real.path })
})

test('a download host that never answers is given up, and Go builds instead', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const log = join(folder(), 'log')
  const doing: string[] = []
  const wanted = search({
    downloadHost: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    answerTimeoutMs: 200,
    searchPath: [go(log).dir],
    progress: (what) => doing.push(what),
  })
  expect(await findTemporal(wanted)).toMatchObject({ origin: 'go', path: cachedCli(wanted.cacheDir) })
  silent.closeAllConnections()
  silent.close()
  expect(readFileSync(log, 'utf8')).toBe('install github.com/temporalio/cli/cmd/temporal@v1.5.1\n')
  expect(doing).toEqual([expect.stringContaining('building Temporal v1.5.1 with Go')])
  expect(await findTemporal(wanted)).toMatchObject({ origin: 'cache' })
})

test('two who need a build at once get one build between them', async () => {
  const log = join(folder(), 'log')
  const wanted = search({ searchPath: [go(log).dir] })
  const found = await Promise.all([findTemporal(wanted), findTemporal(wanted)])
  expect(found.map((source) => source.kind)).toEqual(['binary', 'binary'])
  expect(readFileSync(log, 'utf8').trim().split('\n')).toHaveLength(1)
})

test('a failed build leaves nothing half-made', async () => {
  const broken = program('go', 'echo half > "$GOBIN/temporal"; echo "no space left" >&2; exit 1')
  const wanted = search({ searchPath: [broken.dir] })
  await expect(findTemporal(wanted)).rejects.toThrow(/no space left/)
  expect(existsSync(cachedCli(wanted.cacheDir))).toBe(false)
})

test('when there is nowhere left to look, the error names every place', async () => {
  const error = await findTemporal(search()).catch((thrown: Error) => thrown)
  for (const place of ['TEMPORAL_ADDRESS', 'CAPSTAN_TEMPORAL_CLI', 'PATH', 'cache', '127.0.0.1:1', 'go install']) {
    expect((error as Error).message).toContain(place)
  }
})

test.each(['the program', 'its folder', 'the cache'])('nothing is run from a cache when others may change %s', async (what) => {
  const cacheDir = folder()
  const path = cached(cacheDir)
  chmodSync(what === 'the program' ? path : what === 'its folder' ? join(path, '..') : cacheDir, 0o777)
  await expect(findTemporal(search({ cacheDir }))).rejects.toMatchObject({ code: 'FOLDER_NOT_OURS', kind: 'refused' })
})

test('a mirror elsewhere has to speak https, also when it is one that it leads to', async () => {
  await expect(findTemporal(search({ downloadHost: 'http://mirror.invalid' }))).rejects.toThrow(
    'neither https nor on this machine',
  )
  const mirror = createServer(({ url }, answer) => {
    if (url === '/plain') answer.end('anything')
    else answer.writeHead(302, { location: `http://0.0.0.0:${port}/plain` }).end()
  }).listen(0)
  await once(mirror, 'listening')
  const { port } = mirror.address() as AddressInfo
  await expect(findTemporal(search({ downloadHost: `http://127.0.0.1:${port}` }))).rejects.toThrow('an address without https')
  mirror.closeAllConnections()
  mirror.close()
})
