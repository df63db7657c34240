import type { CoreAttributes } from './xterm-core.ts';

const COLOR_MODE = 0x3000000;
const COLOR_16 = 0x1000000;
const COLOR_256 = 0x2000000;
const RGB = 0x3000000;
/** of the background's word */
const HAS_EXTENDED = 0x10000000;
/** of the foreground's word */
const UNDERLINE = 0x10000000;
const UNDERLINE_STYLE = 26;
const NOTHING = { _ext: 0, urlId: 0, underlineColor: 0 };

/** A cell's underline and link, as far as it has any: what a reused cell holds may be another's. */
export const extendedOf = ({ bg, extended }: CoreAttributes): CoreAttributes['extended'] => (bg & HAS_EXTENDED ? extended : NOTHING);

/** The sequence that selects exactly these attributes, whatever was selected before. Hyperlinks are apart. */
export function selectAttributes(attributes: CoreAttributes): string {
  const underline = underlineOf(attributes);
  const codes: (string | number)[] = [];
  if (attributes.isBold()) codes.push(1);
  if (attributes.isDim()) codes.push(2);
  if (attributes.isItalic()) codes.push(3);
  if (underline > 0) codes.push(underline === 1 ? 4 : `4:${underline}`);
  if (attributes.isBlink()) codes.push(5);
  if (attributes.isInverse()) codes.push(7);
  if (attributes.isInvisible()) codes.push(8);
  if (attributes.isStrikethrough()) codes.push(9);
  if (attributes.isOverline()) codes.push(53);
  codes.push(...foreground(attributes.fg), ...background(attributes.bg));
  if (underline > 0) codes.push(...underlineColor(extendedOf(attributes)));
  const selected = codes.length === 0 ? '\x1b[m' : `\x1b[0;${codes.join(';')}m`;
  return attributes.isProtected() ? `${selected}\x1b[1"q` : selected;
}

/** The sequence that selects only the background of these attributes, as erased cells keep nothing else. */
export const selectBackground = ({ bg }: Pick<CoreAttributes, 'bg'>): string => `\x1b[${[0, ...background(bg)].join(';')}m`;

export const hasBackground = ({ bg }: Pick<CoreAttributes, 'bg'>): boolean => (bg & COLOR_MODE) !== 0;

/** whether a cell without a character still shows these */
export const showsWithoutText = (attributes: CoreAttributes): boolean =>
  (attributes.isInverse() || attributes.isStrikethrough() || attributes.isOverline() || underlineOf(attributes)) > 0;

/** 1 is a single line, 2 a double one, and so on as in SGR 4 */
export const underlineOf = (attributes: CoreAttributes): number =>
  attributes.fg & UNDERLINE ? (extendedOf(attributes)._ext >> UNDERLINE_STYLE) & 7 || 1 : 0;

const foreground = (color: number) => colorCodes(color, 38, (index) => (index & 8 ? 82 : 30) + index);
const background = (color: number) => colorCodes(color, 48, (index) => (index & 8 ? 92 : 40) + index);

function colorCodes(color: number, extended: number, basic: (index: number) => number): (string | number)[] {
  switch (color & COLOR_MODE) {
    case COLOR_16:
      return [basic(color & 0xff)];
    case COLOR_256:
      return [extended, 5, color & 0xff];
    case RGB:
      return [extended, 2, ...channels(color)];
    default:
      return [];
  }
}

/** Only the form with colons can't be mistaken for other attributes by terminals that don't know it. */
export function underlineColor({ underlineColor: color }: CoreAttributes['extended']): string[] {
  if ((color & COLOR_MODE) === COLOR_256) return [`58:5:${color & 0xff}`];
  return (color & COLOR_MODE) === RGB ? [`58:2::${channels(color).join(':')}`] : [];
}

const channels = (color: number): number[] => [(color >> 16) & 0xff, (color >> 8) & 0xff, color & 0xff];
