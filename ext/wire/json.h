// The text messages: JSON to and from the values of model/message.h.
//
//   patch    {"type":10,"at":A,"peer":P,"seq":S,"ver":V,"tab":"T","delta":{"id":1,"name":"x"},
//             "nulls":["c"],"grp":[first,last]}            nulls and grp only when there are any
//   void     a patch with "tab":"_"; what its delta and nulls hold, if they are there, is ignored
//   ping     {"type":20,"at":A,"peer":P,"seq":S,"ver":V,"tab":"_",
//             "delta":{"<peer>":[lastAt,lastSeq,contigAt,contigSeq,lastMessageMs,ackedSeq]},
//             "sums":{"<peer>":"<16 hex digits>"},"now":A,"name":"n"}
//   request  {"type":30,"peer":P,"minSeq":a,"maxSeq":b,"forPeer":me,
//             "sums":{"<peer>":"<16 hex digits>"}}          sums: send only if your content differs
//   gone     {"type":40,"peer":P,"minSeq":a,"maxSeq":b}
//
// A value is a JSON string, a number (with a point or an exponent it is a real, else an integer),
// true or false (1, 0), {"base64":"..."} for a blob, or {"real":"inf"}, {"real":"-inf"}. A null in
// a message's delta means "not in this patch"; in the SQL surface's delta it means "set to NULL".
// Keys that a message's type does not need are ignored, whatever they hold, and so is everything
// but the type in a message of an unknown type. A key twice in one object is an error everywhere;
// so are columns of a patch that differ by the case of ASCII letters only.

#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "model/message.h"

namespace replic::wire {

// Reads messages: one, an array of them, or several separated by white space. Calls `sink` for each
// as soon as it is read, so that memory stays flat: what was passed on before a fault was found is
// the caller's to undo. The strings of a message are the sink's to keep.
// Throws E_SYNTAX (not JSON), E_UTF8, E_LIMIT (size, depth, columns, names, a number out of range),
// E_MESSAGE (JSON of another shape; names the message and the key), each with the byte offset, and
// whatever `sink` throws.
void read_messages(std::string_view text, const std::function<void(Message&&)>& sink);

// Reads one flat object of column values, as replic_patch takes it. A null gives a NULL cell.
// Throws like read_messages; `what` names the argument in the error text.
std::vector<Cell> read_delta(std::string_view text, std::string_view what);

// Reads {"<peer>":[[first,last],...]}. Throws like read_messages.
Vector read_vector(std::string_view text);

// Reads an array of names, as the log's _nulls column holds it. Throws like read_messages.
std::vector<std::string> read_names(std::string_view text);

std::string write_patch(const Patch& patch);
std::string write_ping(const Ping& ping);
std::string write_request(const Request& request);
std::string write_gone(const Gone& gone);
// The SQL surface's form: NULL cells are JSON nulls, so that read_delta gives the same cells back.
std::string write_delta(const std::vector<Cell>& cells);
std::string write_vector(const Vector& vector);
std::string write_names(const std::vector<std::string>& names);

}  // namespace replic::wire
