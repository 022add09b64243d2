/** Certificates that clients show to a server. Each has an authority of its own, whose key nobody keeps: a server that knows a certificate's
 *  authority lets in whoever has its key, and one that forgets that authority has revoked it. Nothing is to be kept in step beside. */
import { randomUUID, webcrypto, X509Certificate } from 'node:crypto'
import { EC, library, privateKey, SIGNING, serialNumber, validFor } from './tls'

export interface ClientCertificate {
  /** PEM. */
  readonly certificate: string
  readonly key: string
  /** PEM, for the server. */
  readonly authority: string
}

const LASTS_MS = 3_650 * 86_400_000

export async function makeClientCertificate(commonName: string): Promise<ClientCertificate> {
  const x509 = await library()
  const issuer = [{ '2.5.4.46': [randomUUID()] }, { CN: [`Google Cloud SQL Client CA ${commonName}`] }, ...GOOGLE]
  const authority = await webcrypto.subtle.generateKey(EC, false, ['sign', 'verify'])
  const authorityCertificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: issuer,
    ...validFor(LASTS_MS),
    keys: authority,
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(authority.publicKey),
    ],
  })
  const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify'])
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [commonName] }, ...GOOGLE],
    issuer: authorityCertificate.subjectName,
    ...validFor(LASTS_MS),
    publicKey: keys.publicKey,
    signingKey: authority.privateKey,
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
    ],
  })
  return { certificate: pem(made), key: await privateKey(keys.privateKey), authority: pem(authorityCertificate) }
}

/** As Cloud SQL's own say it. */
const GOOGLE = [{ O: ['Google, Inc'] }, { C: ['US'] }]

function pem(certificate: { toString(format: 'pem'): string }): string {
  return `${certificate.toString('pem')}\n`
}

export interface CertificateFacts {
  /** A decimal number. */
  readonly serialNumber: string
  readonly subject: string
  /** In small letters, without colons. */
  readonly sha1Fingerprint: string
  readonly validFrom: string
  readonly validTo: string
}

/** Reading a certificate takes as long as everything else that an answer needs: whoever asks often keeps what it says. */
export function factsOf(certificate: string): CertificateFacts {
  const { serialNumber: serial, subject, fingerprint, validFrom, validTo } = new X509Certificate(certificate)
  return {
    serialNumber: BigInt(`0x${serial}`).toString(),
    subject: subject.split('\n').join(','),
    sha1Fingerprint: fingerprint.replaceAll(':', '').toLowerCase(),
    validFrom: new Date(validFrom).toISOString(),
    validTo: new Date(validTo).toISOString(),
  }
}
