/** The lab's own certificate authority: made once per state folder, its key readable by the lab's user alone, its certificate by
 *  everybody who may enter the folder. Whoever trusts that file trusts every server of this lab, and of no other one.
 *  Node reads certificates but makes none: a library does, which is loaded only for that: it takes long to. */
import { randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import { chmodSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type * as X509 from '@peculiar/x509'

export interface IssuedCertificate {
  /** PEM. */
  certificate: string
  key: string
}

export interface Authority {
  /** PEM, for whoever is to trust this lab's servers. */
  readonly certificate: string
  /** The file that has it. */
  readonly certificateFile: string
  /** A certificate for a server at these addresses. */
  issue(addresses: readonly string[]): Promise<IssuedCertificate>
  /** A certificate that lets its holder into our servers as this role, where they ask for one. Good for minutes. */
  issueLogin(role: string): Promise<IssuedCertificate>
  /** Whether a certificate is one of ours, for this address, and lasts for a month to come. */
  holds(certificate: string, address: string): boolean
}

/** In the state folder. */
export const AUTHORITY_FILE = 'ca.crt'

export const EC = { name: 'ECDSA', namedCurve: 'P-256' } as const
export const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000
const AUTHORITY_DAYS = 3650
const SERVER_DAYS = 390
const LEFT_DAYS_MIN = 30
const LOGIN_MS = 5 * 60_000

/** Opens the authority of a state folder, making it when it is not there. One process at a time. */
export async function openAuthority(stateDir: string): Promise<Authority> {
  const keyFile = join(stateDir, 'ca.key')
  const certificateFile = join(stateDir, AUTHORITY_FILE)
  // the certificate is written last: without it there is no authority yet
  if (!existsSync(certificateFile)) await makeAuthority(keyFile, certificateFile)
  const certificate = readFileSync(certificateFile, 'utf8')
  return {
    certificate,
    certificateFile,
    issue: (addresses) => issueServer(certificate, readFileSync(keyFile, 'utf8'), addresses),
    issueLogin: (role) => issueLogin(certificate, readFileSync(keyFile, 'utf8'), role),
    holds: (candidate, address) => holds(candidate, address, certificate),
  }
}

async function makeAuthority(keyFile: string, certificateFile: string): Promise<void> {
  const x509 = await library()
  const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify'])
  // each lab's has another name: a program that keeps several apart does so by name
  const name = `CN=Capstan lab ${randomBytes(4).toString('hex')}`
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name,
    ...validFor(AUTHORITY_DAYS * DAY_MS),
    keys,
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  replace(keyFile, await privateKey(keys.privateKey), 0o600)
  replace(certificateFile, `${made.toString('pem')}\n`, 0o644)
}

async function issueServer(authority: string, authorityKey: string, addresses: readonly string[]): Promise<IssuedCertificate> {
  const x509 = await library()
  return issue(authority, authorityKey, {
    subject: `CN=${addresses[0] ?? 'server'}`,
    ...validFor(SERVER_DAYS * DAY_MS),
    extensions: [
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(addresses.map((value) => ({ type: 'ip', value }))),
    ],
  })
}

/** Only these are for clients: no server's certificate lets anybody in. */
async function issueLogin(authority: string, authorityKey: string, role: string): Promise<IssuedCertificate> {
  const x509 = await library()
  return issue(authority, authorityKey, {
    // not as text: a role's name may hold what separates a name's parts
    subject: new x509.Name([{ CN: [{ utf8String: role }] }]).toJSON(),
    ...validFor(LOGIN_MS),
    extensions: [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])],
  })
}

type Wish = Pick<X509.X509CertificateCreateParams, 'notBefore' | 'notAfter' | 'extensions'> & { subject: string | X509.JsonName }

async function issue(authority: string, authorityKey: string, wish: Wish): Promise<IssuedCertificate> {
  const x509 = await library()
  const issuer = new x509.X509Certificate(authority)
  const pkcs8 = x509.PemConverter.decodeFirst(authorityKey)
  const signingKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, EC, false, ['sign'])
  const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify'])
  const made = await x509.X509CertificateGenerator.create({
    ...wish,
    serialNumber: serialNumber(),
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      ...(wish.extensions ?? []),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  })
  return { certificate: `${made.toString('pem')}\n`, key: await privateKey(keys.privateKey) }
}

function holds(candidate: string, address: string, authority: string): boolean {
  const found = new X509Certificate(candidate)
  const ours = found.verify(new X509Certificate(authority).publicKey)
  const lasts = Date.parse(found.validTo) > Date.now() + LEFT_DAYS_MIN * DAY_MS
  return ours && lasts && found.checkIP(address) !== undefined
}

/** From a day ago: two machines' clocks differ. */
export function validFor(ms: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + ms) }
}

/** Positive, and never the same twice. */
export function serialNumber(): string {
  return `01${randomBytes(15).toString('hex')}`
}

/** PEM. */
export async function privateKey(key: webcrypto.CryptoKey): Promise<string> {
  const { PemConverter } = await library()
  return `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`
}

/** It wants the other one to be there first. */
export async function library(): Promise<typeof X509> {
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

function replace(path: string, text: string, mode: number): void {
  const next = `${path}.next`
  rmSync(next, { force: true })
  const file = openSync(next, 'wx', mode)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  // the umask may have taken more than it should
  chmodSync(next, mode)
  renameSync(next, path)
}
