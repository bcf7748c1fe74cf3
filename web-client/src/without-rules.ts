import { fileDesc } from "@bufbuild/protobuf/codegenv2";

/**
 * Stands in the page's bundle for the descriptor of buf/validate/validate.proto, which is a fifth of the whole bundle: the
 * rules are checked at the gateway, and the page only has to name the file that the contract imports.
 */
export const file_buf_validate_validate = fileDesc(btoa("\x0a\x1bbuf/validate/validate.proto\x12\x0cbuf.validate"));
