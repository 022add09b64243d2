/** What simulated RDS remembers of blue/green deployments. */
import type { Doom } from '../../faults/call-faults'

export type DeploymentStatus =
  | 'PROVISIONING'
  | 'AVAILABLE'
  | 'SWITCHOVER_IN_PROGRESS'
  | 'SWITCHOVER_COMPLETED'
  | 'SWITCHOVER_FAILED'
  | 'INVALID_CONFIGURATION'
  | 'DELETING'

export type DeploymentTask = DeploymentJob & { doom?: Doom }

type DeploymentJob =
  | { kind: 'provision' }
  | Switchover
  /** `deleteTarget`: the green instances go with it. */
  | { kind: 'delete'; deleteTarget: boolean }

/** How far a switchover has come, written down before each step that is not to be done by halves (blue-green/switch-over.ts). */
export interface Switchover {
  kind: 'switch-over'
  timeoutSeconds: number
  /** What is not done by then is taken back. */
  deadline: string
  /** `closed`: customers are shut out. `promoting`: green has everything, and may write by now. `exchanged`: names and addresses are. */
  reached?: 'closed' | 'promoting' | 'exchanged'
  /** Why it is being taken back. */
  failure?: string
}

/** An instance and its copy, named by their resource ids, and by what they were last called. */
export interface DeploymentMember {
  blue: string
  green: string
  blueId: string
  greenId: string
  status: 'PROVISIONING' | 'AVAILABLE' | 'SWITCHOVER_IN_PROGRESS' | 'SWITCHOVER_COMPLETED' | 'SWITCHOVER_FAILED'
}

/** A blue/green deployment. */
export interface Deployment {
  region: string
  /** Given by RDS; `name` is the customer's. */
  id: string
  name: string
  status: DeploymentStatus
  details: string | null
  primary: DeploymentMember
  replicas: DeploymentMember[]
  /** What is to be done until it can be switched over, in order. */
  steps: { name: string; status: 'PENDING' | 'IN_PROGRESS' | 'COMPLETED' | 'FAILED' }[]
  createdAt: string
  deletedAt: string | null
  tags: Record<string, string>
  tasks: DeploymentTask[]
}
