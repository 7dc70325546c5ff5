// Scalar functions that have a file of their own.

#pragma once

namespace replic {

class Call;

void fn_digest(Call& call);
void fn_status(Call& call);

}  // namespace replic
