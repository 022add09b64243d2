/** A worker for which one server is far away: whatever it opens to there goes through a relay inside its own process, which passes everything on a while later,
 *  each way. The lab's slow links are between servers of two clouds; this is the way of who leads an operation. For figures, and for them alone. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface FarAway {
  /** For `startCapstan`: the same program, with this in front of its worker. */
  readonly clone: string
  /** From here on; until then nothing is far. */
  lies(place: { readonly host: string; readonly port: number }): void
  close(): void
}

const ROOT = join(__dirname, '../..')

/** `oneWayMs`: half of a round trip. */
export function farAway(oneWayMs: number): FarAway {
  const clone = mkdtempSync(join(tmpdir(), 'capstan-far-away-'))
  const [dist, real, place] = [join(clone, 'dist'), join(ROOT, 'dist'), join(clone, 'place')]
  mkdirSync(join(dist, 'workers'), { recursive: true })
  for (const name of readdirSync(real)) if (name !== 'workers') symlinkSync(join(real, name), join(dist, name))
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'))
  writeFileSync(place, '')
  const main = join(dist, 'workers', 'main.js')
  writeFileSync(main, relaying({ main: join(real, 'workers', 'main.js'), place, oneWayMs }))
  return {
    clone,
    lies: ({ host, port }) => writeFileSync(place, `${host}:${port}`),
    close: () => rmSync(clone, { recursive: true, force: true }),
  }
}

/** A connection takes a way there and back before the first byte, as TCP has it. */
function relaying({
  main,
  place,
  oneWayMs,
}: {
  readonly main: string
  readonly place: string
  readonly oneWayMs: number
}): string {
  return `const { readFileSync } = require('node:fs')
const net = require('node:net')
const [MAIN, PLACE, MS] = ${JSON.stringify([main, place, oneWayMs])}
const connect = net.Socket.prototype.connect
const far = () => readFileSync(PLACE, 'utf8')
const asked = []
const later = (act, ms = MS) => setTimeout(act, ms)
const pass = (from, to) => {
  from.on('data', (bytes) => later(() => to.writable && to.write(bytes)))
  from.on('end', () => later(() => to.end()))
  from.on('error', () => later(() => to.destroy()))
  from.on('close', () => later(() => to.destroy(), 2 * MS))
}
const relay = net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (near) => {
  const there = new net.Socket({ allowHalfOpen: true })
  connect.call(there, asked.shift())
  there.setNoDelay(true)
  pass(there, near)
  pass(near, there)
  later(() => near.resume(), 2 * MS)
})
relay.listen(0, '127.0.0.1', () => {
  const { port } = relay.address()
  relay.unref()
  net.Socket.prototype.connect = function (...args) {
    const [options] = args
    if (options?.host === undefined || options.host + ':' + options.port !== far()) return connect.apply(this, args)
    asked.push({ host: options.host, port: options.port, localAddress: options.localAddress })
    return connect.call(this, { host: '127.0.0.1', port, localAddress: options.localAddress })
  }
  require(MAIN)
})
`
}
