/** A server's certificate and key, beside its data: made when it has none of ours for its addresses, or one that ends soon; and the
 *  authorities of its clients, where those have to show a certificate. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureEnterable } from '../../pgserver/reach'
import { replaceFile } from '../../pgserver/server-files'
import { serverUser } from '../../pgserver/server-user'
import type { Settings } from '../../pgserver/settings'
import type { Places } from './places'
import type { ServerSpec, ServersOptions } from './spec'

/** Before the server's settings are written. Does nothing for a server without TLS. */
export async function certify(places: Places, options: ServersOptions, spec: ServerSpec): Promise<void> {
  if (!isEncrypted(spec)) return
  const authority = await options.authority
  if (!authority) throw new Error(`The server at ${spec.address} is to serve TLS, and there is nobody to certify it.`)
  if (isMutual(spec)) replaceFile(clientsFile(places, spec), spec.clientAuthorities.join(''), serverUser())
  const { certificate, key, logins } = files(places, spec)
  const addresses = [...(spec.front ? [spec.front.address] : []), spec.address, ...(spec.aliases ?? [])]
  const has = existsSync(key) && existsSync(certificate) ? readFileSync(certificate, 'utf8') : undefined
  const kept = has !== undefined && addresses.every((address) => authority.holds(has, address))
  if (kept && !spec.front) return
  ensureEnterable(places.server(spec.folder), serverUser())
  if (spec.front) replaceFile(logins, authority.certificate, serverUser())
  if (kept) return
  const made = await authority.issue(addresses)
  // the certificate last: it stands for both
  replaceFile(key, made.key, serverUser())
  replaceFile(certificate, made.certificate, serverUser())
}

export function encryptionSettings(places: Places, spec: ServerSpec): Settings {
  if (!isEncrypted(spec)) return { ssl: 'off' }
  const { certificate, key, logins } = files(places, spec)
  const authorities = spec.front ? logins : isMutual(spec) ? clientsFile(places, spec) : undefined
  return {
    ssl: 'on',
    ssl_cert_file: certificate,
    ssl_key_file: key,
    ...(authorities !== undefined && { ssl_ca_file: authorities }),
  }
}

/** What a server shows to its customers, for whoever speaks for it: its certificate and key, PEM. */
export function shownBy(places: Places, spec: ServerSpec): { cert: string; key: string } {
  const { certificate, key } = files(places, spec)
  return { cert: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') }
}

function isEncrypted({ tls = 'off' }: ServerSpec): boolean {
  return tls !== 'off'
}

/** Clients have to show a certificate, and there is none: PostgreSQL takes no empty list of authorities. */
export function isShut({ tls, clientAuthorities = [] }: ServerSpec): boolean {
  return tls === 'mutual' && clientAuthorities.length === 0
}

function isMutual(spec: ServerSpec): spec is ServerSpec & { clientAuthorities: readonly string[] } {
  return spec.tls === 'mutual' && !isShut(spec)
}

function clientsFile(places: Places, { folder }: ServerSpec): string {
  return join(places.server(folder), 'clients.crt')
}

type Files = Readonly<Record<'certificate' | 'key' | 'logins', string>>

function files(places: Places, { folder, certificateNumber = 0 }: ServerSpec): Files {
  const beside = places.server(folder)
  const name = certificateNumber === 0 ? 'server' : `server-${certificateNumber}`
  return { certificate: join(beside, `${name}.crt`), key: join(beside, `${name}.key`), logins: join(beside, 'logins.crt') }
}
