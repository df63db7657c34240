declare module 'subset-font' {
  interface Choices {
    targetFormat: 'sfnt' | 'woff' | 'woff2';
    /** OpenType features that stay */
    keepFeatures: string[];
    noHinting: boolean;
    variationAxes: Record<string, number | { min: number; max: number }>;
  }
  /** @returns a font with only what draws `text` */
  export default function subsetFont(font: Buffer, text: string, choices: Choices): Promise<Buffer>;
}
