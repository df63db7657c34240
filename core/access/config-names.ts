import type { FieldError } from '../errors.ts';
import { sameName, type Config, type ConfigFile } from './config-file.ts';
import { BUILT_IN_ROLES } from './permissions.ts';

const key = ({ name }: { name: string }) => sameName(name);

/** Names in a file that neither it nor the organisation knows; nothing is planned for a file that has some. */
export function unknownNames(current: Config, wanted: ConfigFile, people: ReadonlySet<string>): FieldError[] {
  const groups = new Set((wanted.groups ?? current.groups).map(key));
  const roles = new Set([...Object.keys(BUILT_IN_ROLES), ...(wanted.roles ?? current.roles).map(key)]);
  const templates = new Set(current.templates.map(key));
  const who = (path: string, named: string): FieldError[] => {
    if (named === 'everyone') return [];
    const [kind, rest] = [named.slice(0, named.indexOf(' ')), named.slice(named.indexOf(' ') + 1)];
    if (kind === 'user') return people.has(rest) ? [] : [{ path, message: `names ${rest}, who is not in the organisation` }];
    return groups.has(sameName(rest)) ? [] : [{ path, message: `names a group ${rest} that there is not` }];
  };
  return [
    ...(wanted.groups ?? []).flatMap(({ members, managers }, index) => [
      ...members.flatMap((each, at) => who(`groups.${index}.members.${at}`, each.who)),
      ...managers.flatMap((each, at) => who(`groups.${index}.managers.${at}`, `user ${each}`)),
    ]),
    ...(wanted.assignments ?? []).flatMap((each, index) => [
      ...who(`assignments.${index}.who`, each.who),
      ...(roles.has(sameName(each.role))
        ? []
        : [{ path: `assignments.${index}.role`, message: `names a role ${each.role} that there is not` }]),
    ]),
    ...(wanted.templates ?? []).flatMap((template, index) => [
      ...(templates.has(key(template))
        ? []
        : [{ path: `templates.${index}.name`, message: `names a template ${template.name} that there is not` }]),
      ...(template.access ?? []).flatMap((each, at) => who(`templates.${index}.access.${at}.who`, each.who)),
    ]),
  ];
}
