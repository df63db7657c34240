import type { Json } from './filter-match.ts';
import { RESOURCE_TYPES, type Attribute, type ResourceType } from './schema.ts';

export const LIST_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
export const ERROR_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:Error';
const SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Schema';
const TYPE = 'urn:ietf:params:scim:schemas:core:2.0:ResourceType';
const CONFIG = 'urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig';

/** Most resources of one answer, and most bytes of one request. */
export const MAX_RESULTS = 500;
export const MAX_BODY = 4 * 1024 * 1024;

function shownAttribute(attribute: Attribute): Json {
  const {
    name,
    type,
    description,
    multiValued = false,
    caseExact = false,
    readOnly = false,
    immutable = false,
    required = false,
  } = attribute;
  return {
    ...{ name, type, description, multiValued, required, caseExact },
    ...{ mutability: readOnly ? 'readOnly' : immutable ? 'immutable' : 'readWrite', returned: attribute.returned ?? 'default' },
    uniqueness: attribute.unique ? 'server' : 'none',
    ...(attribute.canonical ? { canonicalValues: attribute.canonical } : {}),
    ...(attribute.references ? { referenceTypes: attribute.references } : {}),
    ...(attribute.subs ? { subAttributes: attribute.subs.map(shownAttribute) } : {}),
  };
}

const meta = (base: string, resourceType: string, path: string) => ({ meta: { resourceType, location: `${base}${path}` } });

/** @param base where SCIM is served, without a slash at the end */
export function schemasAt(base: string): Json[] {
  const own = Object.values(RESOURCE_TYPES).map(({ schema, name, description, attributes }) => ({ schema, name, description, attributes }));
  const more = Object.values(RESOURCE_TYPES).flatMap(({ extensions }) =>
    extensions.map((extension) => ({ ...extension, description: 'What organisations know of their people' })),
  );
  // externalId is of every resource, and not of a schema (RFC 7643 §3.1); directories map it from the list of attributes.
  return [...own, ...more].map(({ schema, name, description, attributes }) => ({
    ...{ schemas: [SCHEMA], id: schema, name, description },
    attributes: attributes.map(shownAttribute),
    ...meta(base, 'Schema', `/Schemas/${schema}`),
  }));
}

export const resourceTypesAt = (base: string): Json[] => Object.values(RESOURCE_TYPES).map((type) => shownType(base, type));

const shownType = (base: string, { name, endpoint, schema, description, extensions }: ResourceType): Json => ({
  ...{ schemas: [TYPE], id: name, name, endpoint, description, schema },
  schemaExtensions: extensions.map((extension) => ({ schema: extension.schema, required: false })),
  ...meta(base, 'ResourceType', `/ResourceTypes/${name}`),
});

export const configAt = (base: string, documentation: string): Json => ({
  schemas: [CONFIG],
  documentationUri: documentation,
  patch: { supported: true },
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: MAX_RESULTS },
  changePassword: { supported: false },
  sort: { supported: true },
  etag: { supported: true },
  authenticationSchemes: [
    {
      ...{ type: 'oauthbearertoken', name: 'Bearer token', primary: true },
      description: 'A provisioning token, made on the page of the identity provider',
      specUri: 'https://www.rfc-editor.org/rfc/rfc6750',
    },
  ],
  ...meta(base, 'ServiceProviderConfig', '/ServiceProviderConfig'),
});

export const listOf = (resources: readonly Json[], page: { total: number; startIndex: number }): Json => ({
  schemas: [LIST_SCHEMA],
  totalResults: page.total,
  startIndex: page.startIndex,
  itemsPerPage: resources.length,
  Resources: resources,
});

/** Which schemas a resource speaks. */
export const schemasOf = (type: ResourceType, resource: Json): string[] => [
  type.schema,
  ...type.extensions.map(({ schema }) => schema).filter((schema) => resource[schema] !== undefined),
];

export const errorBody = (status: number, detail: string, scimType: string | null): Json => ({
  schemas: [ERROR_SCHEMA],
  status: String(status),
  ...(scimType === null ? {} : { scimType }),
  detail,
});
