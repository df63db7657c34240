/**
 * By these variables alone bash tells its terminal where prompts, commands and their output begin, how a command ended
 * (OSC 133) and where it works (OSC 633). No file of the workspace is touched; who sets them otherwise has it their way.
 */
const SAY = String.raw`printf '\e]133;D;%s\a\e]633;P;Cwd=%s\a\e]133;A\a' "$?" "${'${PWD//[[:cntrl:]]/?}'}"`;
const MARK_INPUT = String.raw`case $PS1 in *'133;B'*) ;; *) PS1=$PS1'\[\e]133;B\a\]' ;; esac`;

export const SHELL_MARKS = {
  PROMPT_COMMAND: `${SAY}; ${MARK_INPUT}`,
  PS0: String.raw`\e]133;C\a`,
};
