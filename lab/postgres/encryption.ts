/** A server's certificate and key, beside its data: made when it has none of ours for its addresses, or one that ends soon. */
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
  const { certificate, key } = files(places, spec.folder)
  const addresses = [spec.address, ...(spec.aliases ?? [])]
  const has = existsSync(key) && existsSync(certificate) ? readFileSync(certificate, 'utf8') : undefined
  if (has !== undefined && addresses.every((address) => authority.holds(has, address))) return
  const made = await authority.issue(addresses)
  ensureEnterable(places.server(spec.folder), serverUser())
  // the certificate last: it stands for both
  replaceFile(key, made.key, serverUser())
  replaceFile(certificate, made.certificate, serverUser())
}

export function encryptionSettings(places: Places, spec: ServerSpec): Settings {
  if (!isEncrypted(spec)) return { ssl: 'off' }
  const { certificate, key } = files(places, spec.folder)
  return { ssl: 'on', ssl_cert_file: certificate, ssl_key_file: key }
}

function isEncrypted({ tls = 'off' }: ServerSpec): boolean {
  return tls !== 'off'
}

function files(places: Places, folder: string): { certificate: string; key: string } {
  const beside = places.server(folder)
  return { certificate: join(beside, 'server.crt'), key: join(beside, 'server.key') }
}
