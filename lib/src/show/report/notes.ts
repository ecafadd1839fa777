import { escapeHtml } from "../format";

/** What stands where the author has written nothing yet. */
export const noNotes =
  "For the author to write: what the numbers mean, and what would be tried next. lab report --notes FILE puts it here.";

/** An author's text as HTML: blank lines part paragraphs, lines that begin with "- " make a list; nothing else is markup. */
export function notesHtml(text: string): string {
  return text
    .trim()
    .split(/\n\s*\n/)
    .map((block) => {
      const lines = block.split("\n").map((line) => line.trim());
      if (lines.every((line) => line.startsWith("- "))) {
        return `<ul>${lines.map((line) => `<li>${escapeHtml(line.slice(2))}</li>`).join("")}</ul>`;
      }
      return `<p>${escapeHtml(lines.join(" "))}</p>`;
    })
    .join("\n");
}
