import { setTimeout as sleep } from 'node:timers/promises'
import {
  type protos,
  SqlDatabasesServiceClient,
  SqlFlagsServiceClient,
  SqlInstancesServiceClient,
  SqlOperationsServiceClient,
  SqlTiersServiceClient,
  SqlUsersServiceClient,
} from '@google-cloud/sql'
import { OAuth2Client } from 'google-auth-library'
import type { ClientConfig } from 'pg'
import { connect, eventually, openLab, type TestLab } from '../fixture'

type Schema = typeof protos.google.cloud.sql.v1
export type Instance = InstanceType<Schema['DatabaseInstance']>
export type Operation = protos.google.cloud.sql.v1.IOperation

export const PROJECT = 'capstan-lab'
export const PASSWORD = 'correct-horse-battery'

export interface GcpLab extends TestLab {
  readonly instances: SqlInstancesServiceClient
  readonly operations: SqlOperationsServiceClient
  readonly users: SqlUsersServiceClient
  readonly databases: SqlDatabasesServiceClient
  readonly flags: SqlFlagsServiceClient
  readonly tiers: SqlTiersServiceClient
  /** As other clients speak: v1beta4 unless told otherwise, names of enumerations, any body. */
  raw(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<RawAnswer>
}

export interface RawAnswer {
  status: number
  body: Record<string, any>
}
