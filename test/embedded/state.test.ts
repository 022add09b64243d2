import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import { BLOCK_COUNT, blockAt, chooseBlock, claimBlock } from '../../embedded/state/address-block'
import { forgetPointer, pointTo } from '../../embedded/state/endpoints'
import { chooseFolders } from '../../embedded/state/folders'
import { choosePorts } from '../../embedded/state/ports'
import { readOrMakeSecrets } from '../../embedded/state/secrets'
import { claimStateFolder, isClaimed } from '../../embedded/state/state-folder'
import { lockOwner, tryLock } from '../../pgserver/lock-file'
import { identify, isAlive } from '../../pgserver/process-identity'
import { folder, removeFolders } from './support'

afterAll(removeFolders)

const key = fc.stringMatching(/^[0-9a-f]{12}$/)
const facts = { home: '/home/ann', xdgCacheHome: null, xdgStateHome: null, stateDir: null }

describe('folders', () => {
  test('root keeps things under /var, where the database user can enter', () => {
    const { cache, state } = chooseFolders({ ...facts, clone: '/root/capstan', uid: 0, home: '/root' })
    expect(cache).toBe('/var/cache/capstan')
    expect(state).toMatch(/^\/var\/lib\/capstan\/[0-9a-f]{12}$/)
  })

  test('root passes over an XDG folder that the database user cannot enter', () => {
    const closed = join(folder(), 'closed')
    mkdirSync(closed, { mode: 0o700 })
    const { cache } = chooseFolders({ ...facts, clone: '/root/capstan', uid: 0, xdgCacheHome: join(closed, 'cache') })
    expect(cache).toBe('/var/cache/capstan')
    expect(chooseFolders({ ...facts, clone: '/x', uid: 7, xdgCacheHome: closed }).cache).toBe(join(closed, 'capstan'))
  })

  test('two clones, and two users of one clone, never share state', () => {
    const path = fc.stringMatching(/^\/[a-z]{1,8}(\/[a-z]{1,8}){0,3}$/)
    fc.assert(
      fc.property(path, path, fc.nat(2), fc.nat(2), (one, other, oneUid, otherUid) => {
        const a = chooseFolders({ ...facts, clone: one, uid: oneUid })
        const b = chooseFolders({ ...facts, clone: other, uid: otherUid })
        expect(a.key === b.key).toBe(one === other && oneUid === otherUid)
      }),
    )
  })
})

describe('the state folder', () => {
  const given = (state: string) => ({ cache: '', state, stateGiven: true, key: '000000000000' })
  const mode = (path: string) => statSync(path).mode & 0o777
  const closed = process.getuid?.() === 0 ? 0o711 : 0o700

  test('a new one, and an empty one, becomes ours, and nobody else can list it', () => {
    const [made, empty] = [join(folder(), 'deep', 'state'), folder()]
    chmodSync(empty, 0o755)
    for (const state of [made, empty]) {
      expect(isClaimed(given(state))).toBe(false)
      claimStateFolder(given(state))
      expect(isClaimed(given(state))).toBe(true)
      expect(mode(state)).toBe(closed)
    }
    expect(mode(join(made, '..'))).toBe(closed)
  })

  test('one that is closed to everybody is not opened', () => {
    const state = folder()
    claimStateFolder(given(state))
    expect(mode(state)).toBe(0o700)
  })

  test('one that holds other things is refused and left as it is', () => {
    const state = folder()
    chmodSync(state, 0o755)
    writeFileSync(join(state, 'thesis.tex'), '')
    for (const act of [claimStateFolder, isClaimed]) {
      expect(() => act(given(state))).toThrow(expect.objectContaining({ code: 'FOLDER_NOT_OURS', kind: 'refused' }))
    }
    expect(readdirSync(state)).toEqual(['thesis.tex'])
    expect(mode(state)).toBe(0o755)
  })

  test('one that bears this clone’s key is ours, also when an earlier version made it without a marker', () => {
    const folders = { ...given(folder()), stateGiven: false }
    writeFileSync(join(folders.state, 'ports.json'), '{}')
    expect(isClaimed(folders)).toBe(true)
    claimStateFolder(folders)
    expect(isClaimed({ ...folders, stateGiven: true })).toBe(true)
  })
})

describe('address blocks', () => {
  test('a block is a legal part of the loopback network, clear of 127.0.0', () => {
    fc.assert(
      fc.property(key, fc.nat(BLOCK_COUNT), (name, step) => {
        const [net, a, b] = blockAt(name, step).split('.').map(Number)
        expect(net).toBe(127)
        expect(a).toBeGreaterThanOrEqual(64)
        expect(a).toBeLessThanOrEqual(126)
        expect(b).toBeLessThanOrEqual(255)
      }),
    )
  })

  test('however keys fall, no two clones get the same block', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('000000000000', '000000010000', 'ffffffff0000'), { maxLength: 20 }), (keys) => {
        const taken = new Set<string>()
        for (const one of keys) taken.add(chooseBlock(one, taken))
        expect(taken.size).toBe(keys.length)
      }),
    )
  })

  test('a clone keeps its block, another with the same key gets the next, and a removed one gives its block back', async () => {
    const dir = folder()
    const registerFile = join(dir, 'blocks.json')
    const state = (name: string) => {
      mkdirSync(join(dir, name), { recursive: true })
      return join(dir, name)
    }
    const claim = (name: string) => claimBlock({ registerFile, stateDir: state(name), key: '00000100abcd' })
    const [first, second] = [await claim('one'), await claim('two')]
    expect(second).not.toBe(first)
    expect(await claim('one')).toBe(first)
    const gone = await claimBlock({ registerFile, stateDir: join(dir, 'never-made'), key: '00000100abcd' })
    expect(await claim('three')).toBe(gone)
  })

  test('many clones that claim at the same moment all get their own', async () => {
    const dir = folder()
    const claims = Array.from({ length: 8 }, async (_, n) => {
      const stateDir = join(dir, String(n))
      mkdirSync(stateDir)
      return await claimBlock({ registerFile: join(dir, 'blocks.json'), stateDir, key: '00000000abcd' })
    })
    expect(new Set(await Promise.all(claims)).size).toBe(8)
  })
})

describe('ports', () => {
  test('ports stay the same from start to start, and one that was taken meanwhile is replaced alone', async () => {
    const file = join(folder(), 'ports.json')
    const before = await choosePorts(file, '0123456789ab')
    expect(await choosePorts(file, '0123456789ab')).toEqual(before)
    expect(new Set(Object.values(before)).size).toBe(4)
    const squatter = createServer().listen(before.ledger, '127.0.0.1')
    await once(squatter, 'listening')
    const after = await choosePorts(file, '0123456789ab')
    squatter.close()
    expect(after).toEqual({ ...before, ledger: after.ledger })
    expect(after.ledger).not.toBe(before.ledger)
  })
})

describe('lock file', () => {
  test('a second start is told who holds the lock, and gets it once it is released', () => {
    const file = join(folder(), 'lock')
    const first = tryLock(file, 'start')
    expect(tryLock(file, 'start')).toMatchObject({ taken: false, owner: { pid: process.pid, purpose: 'start' } })
    if (first.taken) first.release()
    expect(tryLock(file, 'start').taken).toBe(true)
  })

  test('the lock of a process that was killed is taken over, also when its number lives on in another process', async () => {
    const file = join(folder(), 'lock')
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    const identity = identify(child.pid as number)!
    writeFileSync(file, JSON.stringify({ ...identity, purpose: 'start' }))
    expect(lockOwner(file)?.pid).toBe(child.pid)
    writeFileSync(file, JSON.stringify({ ...identity, started: 'another time', purpose: 'start' }))
    expect(lockOwner(file)).toBeNull()
    writeFileSync(file, JSON.stringify({ ...identity, purpose: 'start' }))
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(isAlive(identity)).toBe(false)
    expect(tryLock(file, 'start').taken).toBe(true)
  })
})

test('secrets are made once and only their owner can read them', () => {
  const file = join(folder(), 'secrets.json')
  const made = readOrMakeSecrets(file)
  expect(made.secretKey).toMatch(/^[0-9a-f]{64}$/)
  expect(readOrMakeSecrets(file)).toEqual(made)
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('a second embedded default of a clone leaves the running one where the command line finds it', () => {
  const clone = folder()
  mkdirSync(join(clone, 'dist'))
  const [running, other] = [folder(), folder()]
  const lock = tryLock(join(running, 'lock'), 'start')
  const pointer = join(clone, 'dist', 'embedded.json')
  pointTo(clone, running)
  pointTo(clone, other)
  forgetPointer(clone, other)
  expect(JSON.parse(readFileSync(pointer, 'utf8'))).toEqual({ stateDir: running })
  if (lock.taken) lock.release()
  pointTo(clone, other)
  expect(JSON.parse(readFileSync(pointer, 'utf8'))).toEqual({ stateDir: other })
  forgetPointer(clone, other)
  expect(existsSync(pointer)).toBe(false)
})
