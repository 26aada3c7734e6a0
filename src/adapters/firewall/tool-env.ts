// The environment in which the machine's own tools are run.

/** Where a plain `su` does not look, as on Debian. */
const ADMIN_FOLDERS: readonly string[] = ["/usr/sbin", "/sbin"];

/** What they say is read, so it is in English: gettext in Python, as ufw has it, heeds LANGUAGE before LC_ALL. */
export function toolEnv(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return { ...env, LC_ALL: "C", LANGUAGE: "C", PATH: adminPath(env["PATH"]) };
}

/** With the folders of an administrator's tools. */
export function adminPath(given = "/usr/local/bin:/usr/bin:/bin"): string {
  const folders = given.split(":");
  return [...folders, ...ADMIN_FOLDERS.filter((each) => !folders.includes(each))].join(":");
}
