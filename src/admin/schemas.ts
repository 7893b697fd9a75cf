/** The schemas of the API's answers: JSON Schema 2020-12, the components of the OpenAPI document. */
import type { Schema } from './route.ts';

const TEXT = { type: 'string' };
const TEXT_OR_NULL = { type: ['string', 'null'] };
const TIME = { type: 'string', format: 'date-time' };
const TIME_OR_NULL = { type: ['string', 'null'], format: 'date-time' };
const COUNT = { type: 'integer', minimum: 0 };

const STATES = ['pending', 'approved', 'denied', 'expired', 'consumed'];

/** An approval's state, as a query parameter takes it. */
export const STATE: Schema = { type: 'string', enum: STATES };

/** An approval's id. */
export const ID = { type: 'string', pattern: '^apr_[a-z2-7]{16}$' } as const;

/** Renders an object's schema: all properties are required, and no others may stand in it. */
function exactly(properties: Readonly<Record<string, Schema>>, description?: string): Schema {
  const required = Object.keys(properties);
  return { type: 'object', ...(description === undefined ? {} : { description }), properties, required, additionalProperties: false };
}

function listOf(component: string): Schema {
  return { type: 'array', items: { $ref: `#/components/schemas/${component}` } };
}

const PAUSE = exactly({ policy: { ...TEXT_OR_NULL, description: 'null: all policies' }, reason: TEXT, since: TIME });

const INSTANCE = exactly({
  id: TEXT,
  pid: COUNT,
  host: TEXT,
  policy: TEXT_OR_NULL,
  revision: TEXT,
  upstream: TEXT,
  started_at: TIME,
  seen_at: TIME,
  confirmed: { ...COUNT, description: 'the number of the newest pause or resume that it acts on' },
});

/** By name. */
export const COMPONENTS: Readonly<Record<string, Schema>> = {
  Approval: exactly({
    id: ID,
    state: STATE,
    tool: TEXT,
    agent: { ...TEXT_OR_NULL, description: 'null: not known' },
    credential: { ...TEXT_OR_NULL, description: "the beginning of the hash of the client's own credential; null: it brought none" },
    rule: TEXT,
    message: TEXT,
    rules: {
      type: 'array',
      items: exactly({
        rule: TEXT,
        message: TEXT,
        why: { ...TEXT_OR_NULL, description: 'why nothing is known of what the rule looks at' },
      }),
      description: 'every approval rule that fired',
    },
    overrides: { type: 'array', items: TEXT, description: 'requirements that approving overrides' },
    policy: TEXT_OR_NULL,
    revision: TEXT,
    upstream: TEXT,
    client: { ...TEXT_OR_NULL, description: 'what the client calls itself' },
    created_at: TIME,
    expires_at: TIME,
    decided_at: TIME_OR_NULL,
    decided_by: TEXT_OR_NULL,
    reason: TEXT_OR_NULL,
    consumed_at: TIME_OR_NULL,
    attempts: COUNT,
    retries: COUNT,
    meta: { type: ['object', 'null'], description: "what the client added in `_meta`; null: nothing beside the protocol's own keys" },
    args: { type: 'object', description: "the call's arguments, in full" },
  }),
  Approvals: exactly({
    approvals: listOf('Approval'),
    next: { ...TEXT_OR_NULL, description: 'what to ask `after` for the records that follow; null: there are none' },
  }),
  Event: exactly({
    sequence: COUNT,
    type: { type: 'string', enum: ['requested', 'approved', 'denied', 'expired', 'consumed'].map((name) => `approval.${name}`) },
    at: TIME,
    approval: { $ref: '#/components/schemas/Approval' },
  }),
  Status: exactly({
    version: TEXT,
    instance: TEXT,
    policy: TEXT_OR_NULL,
    revision: TEXT,
    upstream: TEXT,
    now: TIME,
    pending: { ...COUNT, description: 'approvals that wait, in all namespaces' },
    protected: { type: 'boolean', description: 'whether an approver secret is set' },
    pauses: { type: 'array', items: PAUSE },
    instances: { type: 'array', items: INSTANCE },
  }),
  Counters: exactly({
    counters: {
      type: 'array',
      items: exactly({
        counter: TEXT,
        unit: TEXT,
        scope: TEXT_OR_NULL,
        value: { ...TEXT, description: 'a decimal number' },
        limit: TEXT_OR_NULL,
        resets_at: TIME,
      }),
    },
  }),
  Paused: exactly({ policy: TEXT_OR_NULL, reason: TEXT, sequence: COUNT }),
  Resumed: exactly({ policy: TEXT_OR_NULL, ended: COUNT, sequence: COUNT, still_paused: { type: 'array', items: TEXT_OR_NULL } }),
  Document: { type: 'object', required: ['openapi'] },
  Error: exactly({ error: { type: 'object', properties: { code: TEXT, message: TEXT }, required: ['code', 'message'] } }),
};

/** The body of a decision. */
export const DECISION: Schema = {
  type: 'object',
  properties: {
    as: { type: 'string', maxLength: 200, description: 'who decides; the operating system user of the proxy by default' },
    reason: { type: 'string', maxLength: 2000 },
  },
  additionalProperties: false,
};

/** The body of a pause, without the reason of a resume. */
export const SCOPE: Schema = {
  type: 'object',
  properties: {
    policy: { type: ['string', 'null'], description: 'absent or null: all policies' },
    reason: { type: 'string', maxLength: 2000 },
  },
  additionalProperties: false,
};
