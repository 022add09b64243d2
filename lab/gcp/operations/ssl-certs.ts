/** sslCerts.insert, get, list and delete, and instances.resetSslConfig. A private key is answered once, and written down nowhere. */
import { factsOf, makeClientCertificate } from '../../client-certificate'
import { type Call, findInstance, type Operation, promise, requireIdle, textOf } from '../cloud'
import { GcpError, invalid, missing } from '../errors'
import type { Json } from '../protocol/json'
import { sslCertsOf } from '../ssl-certs'
import type { OperationRecord, SqlInstance, SslCertRecord } from '../state'
import { operationView, serverCaView, sslCertView } from '../views'

const CERTIFICATES_MAX = 10

export const insertSslCert: Operation = async (call) => {
  const { cloud, body, prefix } = call
  const instance = changeable(call)
  const commonName = parseCommonName(textOf(body.commonName))
  checkRoom(instance, commonName)
  const { certificate, key, authority } = await makeClientCertificate(commonName)
  const serverCa = await cloud.authority()
  // it may be another one by now
  requireIdle(call, instance)
  checkRoom(instance, commonName)
  const { sha1Fingerprint, serialNumber, validTo } = factsOf(certificate)
  const createdAt = new Date().toISOString()
  const record = { commonName, certificate, authority, sha1Fingerprint, serialNumber, createdAt, expiresAt: validTo }
  const operation = await change(call, instance, { ...instance.sslCerts, [sha1Fingerprint]: record })
  return {
    kind: 'sql#sslCertsInsert',
    operation: operationView(operation, prefix) as Json,
    serverCaCert: serverCaView(serverCa, instance.name) as Json,
    clientCert: { certInfo: sslCertView(record, instance, prefix) as Json, certPrivateKey: key },
  }
}

export const getSslCert: Operation = async (call) => {
  const instance = findInstance(call)
  return sslCertView(find(call, instance), instance, call.prefix)
}

export const listSslCerts: Operation = async (call) => {
  const instance = findInstance(call)
  return {
    kind: 'sql#sslCertsList',
    items: sslCertsOf(instance).map((record) => sslCertView(record, instance, call.prefix)) as Json[],
  }
}

export const deleteSslCert: Operation = async (call) => {
  const instance = changeable(call)
  const { sha1Fingerprint } = find(call, instance)
  const { [sha1Fingerprint]: _, ...left } = instance.sslCerts ?? {}
  return operationView(await change(call, instance, left), call.prefix)
}

/** All client certificates go, and the server gets a new one of its own, from the same authority. */
export const resetSslConfig: Operation = async (call) => {
  const instance = changeable(call)
  const { mode } = call.fields
  if (mode !== undefined && mode !== 'ALL' && mode !== 'RESET_SSL_MODE_UNSPECIFIED') {
    throw invalid(`This lab has no reset of the mode ${String(mode)}`)
  }
  return operationView(await change(call, instance, {}, (instance.sslResets ?? 0) + 1), call.prefix)
}

function change(
  call: Call,
  instance: SqlInstance,
  certs: Record<string, SslCertRecord>,
  resets = instance.sslResets ?? 0,
): Promise<OperationRecord> {
  return promise(call, instance, { type: 'UPDATE' }, { kind: 'change-ssl-certs', certs, resets })
}

function changeable(call: Call): SqlInstance {
  const instance = findInstance(call)
  requireIdle(call, instance)
  if (instance.state === 'RUNNABLE') return instance
  throw new GcpError('invalidOperation', "The operation isn't valid for this instance.")
}

/** @throws GcpError sslCertDoesNotExist. */
function find({ fields }: Call, instance: SqlInstance): SslCertRecord {
  const wanted = (textOf(fields.sha1Fingerprint) ?? '').toLowerCase()
  const found = sslCertsOf(instance).find(({ sha1Fingerprint }) => sha1Fingerprint === wanted)
  if (!found) throw new GcpError('sslCertDoesNotExist', 'The SSL certificate does not exist.')
  return found
}

/** As the reference of `SslCert` constrains it, and digits; no longer than a certificate can hold. */
function parseCommonName(value: string | undefined): string {
  if (value === undefined) throw missing('commonName')
  if (!/^[A-Za-z0-9._ -]{1,64}$/.test(value) || value.trim() !== value) {
    throw invalid(`Invalid common name: ${value.slice(0, 100)}`)
  }
  return value
}

/** @throws GcpError invalid, quotaExceeded. */
function checkRoom(instance: SqlInstance, commonName: string): void {
  const known = sslCertsOf(instance)
  if (known.some((cert) => cert.commonName === commonName)) {
    throw invalid(`An SSL certificate with the common name ${commonName} already exists for this instance`)
  }
  if (known.length >= CERTIFICATES_MAX)
    throw new GcpError('quotaExceeded', `An instance has at most ${CERTIFICATES_MAX} client certificates.`)
}
