"""The seal of a release: what it was made from, said in the image and beside it, signed, and verified again.

    envelope.py       seal.json beside the image: the release statement, the images' digests and who baked, signed
    signing.py        ssh-keygen -Y: signatures and who they are by
    verification.py   a signature, every digest, and the tree, checked against each other; whether a release is newer
    standing.py       the archive or layout that holds an image: an engine can read nothing else from it
    folder.py         what stands beside the layout: archives, bills of materials
    rebuild.py        the image baked again from its commit; the first difference

Sources: in-toto Attestation Framework, Statement v1; DSSE v1.0.2, "Protocol"; OpenSSH, PROTOCOL.sshsig.
"""
